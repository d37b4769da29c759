//! The checker: decides from the record of a run whether what ARCHITECTURE.md promises was kept.
//!
//! No search is needed. Every accepted bid has a `seq`, so the history of an item is a list, and whatever anybody was told
//! is held against it: in two passes over the requests and one over the frames, with the accepted bids alone in memory.
//! Bids whose outcome nobody was told are resolved by who bid how much: prices only rise, so an item has an amount once.

mod findings;
mod frames;
mod history;
mod order;
mod promises;
mod requests;
mod standings;
mod verdict;
mod windows;

use anyhow::Result;

use self::findings::Findings;
pub use self::findings::{Finding, Rule};
use self::frames::Frames;
pub use self::history::{Event, History};
use self::requests::Requests;
pub use self::verdict::{Latency, Verdict};
use self::windows::Windows;
use crate::record::{Folder, Run, lines};

/// Decides, and leaves `verdict.json` beside the record.
pub fn verify(folder: &Folder) -> Result<Verdict> {
    let run: Run = serde_json::from_slice(&std::fs::read(folder.file("run.json"))?)?;
    let windows = Windows::read(&folder.file("faults.jsonl"), run.started_at)?;
    let mut findings = Findings::default();
    let mut history = History::default();
    for row in lines(&folder.file("events.jsonl"))? {
        history.add(&row?, &windows, &mut findings);
    }
    for row in lines(&folder.file("quarantine.jsonl"))? {
        standings::check_set_aside(&row?, &windows, &mut findings);
    }
    let mut requests = Requests::new(&windows);
    for request in lines(&folder.file("requests.jsonl"))? {
        requests.enter(&request?, &mut history, &mut findings);
    }
    history.check_order(&mut findings);
    for request in lines(&folder.file("requests.jsonl"))? {
        requests.judge(&request?, &history, &mut findings);
    }
    for row in lines(&folder.file("items.jsonl"))? {
        standings::check_row(&row?, &history, &mut findings);
    }
    for standing in lines(&folder.file("standings.jsonl"))? {
        standings::check_redis(&standing?, &history, &mut findings);
    }
    let mut frames = Frames::new(&run, &windows);
    for sight in lines(&folder.file("frames.jsonl"))? {
        frames.see(&sight?, &history, &mut findings);
    }
    frames.check_end(&history, &mut findings);
    let verdict = Verdict::new(run, requests.counts, history.len(), frames.counts, findings)?;
    std::fs::write(folder.file("verdict.json"), serde_json::to_vec_pretty(&verdict)?)?;
    Ok(verdict)
}
