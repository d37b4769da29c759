//! When what may happen.

use crate::record::{FaultRecord, Loss, Request};

#[derive(Default)]
pub(super) struct Windows {
    /// Microseconds since 1970.
    started_at: u64,
    /// From a fault until bids were judged again; in order, and none touches another.
    failing: Vec<(u64, u64)>,
    /// What was accepted then may be lost.
    losing: Vec<Loss>,
}

impl Windows {
    pub(super) fn new(faults: &[FaultRecord], started_at: u64) -> Self {
        let failing = faults.iter().filter_map(|fault| Some((fault.from, fault.bids_fail_until?))).collect();
        let losing = faults.iter().filter_map(|fault| fault.loses).collect();
        Self { started_at, failing: merged(failing), losing }
    }

    pub(super) fn may_fail(&self, request: &Request) -> bool {
        let next = self.failing.partition_point(|(_, until)| *until < request.sent);
        self.failing.get(next).is_some_and(|(from, _)| *from <= request.answered)
    }

    /// Whether what was asked and answered in this time may be lost.
    pub(super) fn may_lose(&self, sent: u64, answered: u64) -> bool {
        self.losing.iter().any(|loss| sent <= loss.until && loss.since <= answered)
    }

    /// Whether what was accepted at this time of Redis, in microseconds since 1970, may be lost.
    pub(super) fn may_lose_of(&self, accepted_at: u64) -> bool {
        let at = accepted_at.saturating_sub(self.started_at);
        self.may_lose(at, at)
    }

    /// Whether anything may have been lost by then.
    pub(super) fn may_have_lost_before(&self, time: u64) -> bool {
        self.losing.iter().any(|loss| loss.since <= time)
    }
}

fn merged(mut windows: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    windows.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for (from, until) in windows {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => merged.push((from, until)),
        }
    }
    merged
}
