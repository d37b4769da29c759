//! The checker: decides from the record of a run whether what ARCHITECTURE.md promises was kept.
//!
//! No search is needed. Every accepted bid has a `seq`, so the history of an item is a list, and whatever anybody was told
//! is held against it: in two passes over the requests and one over the frames, with the accepted bids alone in memory.
//! A bid whose outcome nobody was told is found by who bid how much, since prices only rise and an item has
//! an amount once; then it is promised to the key it was sent under.

mod findings;
mod frames;
mod history;
mod order;
mod promises;
mod requests;
mod standings;
mod verdict;
mod windows;

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use self::findings::Findings;
pub use self::findings::{Finding, Rule};
use self::frames::Frames;
use self::history::History;
use self::requests::Requests;
pub use self::verdict::{Latency, Verdict};
use self::windows::Windows;
use crate::record::{FaultRecord, Folder, ItemStanding, RedisStanding, Run, lines};

/// Decides, and leaves `verdict.json` beside the record.
pub fn verify(folder: &Folder) -> Result<Verdict> {
    let run: Run = serde_json::from_slice(&std::fs::read(folder.file("run.json"))?)?;
    let faults: Vec<FaultRecord> = lines(&folder.file("faults.jsonl"))?.collect::<Result<_>>()?;
    let windows = Windows::new(&faults, run.started_at);
    let mut findings = Findings::default();
    let mut history = History::default();
    for row in lines(&folder.file("events.jsonl"))? {
        history.add(&row?, &windows, &mut findings);
    }
    for row in lines(&folder.file("quarantine.jsonl"))? {
        standings::check_set_aside(&row?, &windows, &history, &mut findings);
    }
    let requests = requests_of(folder, &windows, &mut history, &mut findings)?;
    check_standings(folder, &run, &history, &mut findings)?;
    let mut frames = Frames::new(&run, &windows);
    for sight in lines(&folder.file("frames.jsonl"))? {
        frames.see(&sight?, &history, &mut findings);
    }
    frames.check_end(&history, &mut findings);
    ensure!(
        requests.requests.requests == run.requests,
        "requests.jsonl is not whole: {} lines were written",
        run.requests
    );
    ensure!(frames.counts.sights == run.sights, "frames.jsonl is not whole: {} lines were written", run.sights);
    let verdict = Verdict::new(run, &faults, requests, history.len(), frames.counts, findings);
    std::fs::write(folder.file("verdict.json"), serde_json::to_vec_pretty(&verdict)?)?;
    Ok(verdict)
}

/// In two passes: what the bids were promised is known after the first.
fn requests_of(
    folder: &Folder,
    windows: &Windows,
    history: &mut History,
    findings: &mut Findings,
) -> Result<requests::Counts> {
    let mut requests = Requests::new(windows);
    for request in lines(&folder.file("requests.jsonl"))? {
        requests.enter(&request?, history, findings);
    }
    requests.resolve(history);
    history.check_order(findings);
    for request in lines(&folder.file("requests.jsonl"))? {
        requests.judge(&request?, history, findings);
    }
    Ok(requests.counts)
}

fn check_standings(folder: &Folder, run: &Run, history: &History, findings: &mut Findings) -> Result<()> {
    let (mut rows, mut standings) = (BTreeSet::new(), BTreeSet::new());
    for row in lines::<ItemStanding>(&folder.file("items.jsonl"))? {
        let row = row?;
        standings::check_row(&row, history, findings);
        rows.insert(row.item);
    }
    for standing in lines::<RedisStanding>(&folder.file("standings.jsonl"))? {
        let standing = standing?;
        standings::check_redis(&standing, history, findings);
        standings.insert(standing.standing.item);
    }
    standings::check_complete(&rows, &standings, run, history, findings);
    Ok(())
}
