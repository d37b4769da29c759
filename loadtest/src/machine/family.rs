//! A process and all those below it, by `/proc`.

use std::collections::HashMap;
use std::fs;

pub struct Process {
    pub pid: u32,
    parent: u32,
    /// Of its program, cut after 15 bytes.
    pub name: String,
    /// Of processor time, of all its threads.
    pub ticks: u64,
    /// Of those below it that have ended, and that were waited for.
    pub ended_ticks: u64,
}

/// The process first; nothing if it has ended.
pub fn family(root: u32) -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut others: HashMap<u32, Vec<Process>> = HashMap::new();
    let mut found = Vec::new();
    for process in entries.filter_map(|entry| Process::read(entry.file_name().to_str()?.parse().ok()?)) {
        match process.pid == root {
            true => found.push(process),
            false => others.entry(process.parent).or_default().push(process),
        }
    }
    let mut next = 0;
    while let Some(above) = found.get(next) {
        found.extend(others.remove(&above.pid).into_iter().flatten());
        next += 1;
    }
    found
}

impl Process {
    pub(super) fn read(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name may have spaces and brackets in it.
        let (name, rest) = stat.split_once(" (")?.1.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let field = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            pid,
            parent: field(1)?.try_into().ok()?,
            name: name.to_owned(),
            ticks: field(11)? + field(12)?,
            ended_ticks: field(13)? + field(14)?,
        })
    }
}
