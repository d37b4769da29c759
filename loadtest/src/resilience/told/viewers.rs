//! Viewers that are cut off, and come back.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::record::{Folder, Seen, Sight, lines};

pub(super) struct Absence {
    /// Viewers whose connection ended.
    pub(super) cut_off: usize,
    /// From the repair until the last of them was connected, in seconds. None: nobody was cut off, or somebody stayed away.
    pub(super) back_after_s: Option<f64>,
}

/// Of a fault, in microseconds.
pub(super) fn absences(folder: &Folder, (from, until): (u64, u64)) -> Result<Absence> {
    let (mut gone, mut back) = (BTreeSet::new(), BTreeMap::new());
    for sight in lines::<Sight>(&folder.file("frames.jsonl"))? {
        let Sight { at, viewer, seen, .. } = sight?;
        match seen {
            Seen::Ended(_) if (from..until).contains(&at) => drop(gone.insert(viewer)),
            Seen::Connected { .. } if at >= from && gone.contains(&viewer) => drop(back.entry(viewer).or_insert(at)),
            _ => {}
        }
    }
    let all_are_back = !gone.is_empty() && back.len() == gone.len();
    let last = back.values().max().filter(|_| all_are_back);
    Ok(Absence { cut_off: gone.len(), back_after_s: last.map(|last| last.saturating_sub(until) as f64 / 1e6) })
}
