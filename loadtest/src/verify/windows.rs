//! When what may happen.

use std::path::Path;

use anyhow::Result;

use crate::record::{FaultRecord, Request, lines};

#[derive(Default)]
pub(super) struct Windows {
    /// Microseconds since 1970.
    started_at: u64,
    /// From a fault until bids were judged again.
    failing: Vec<(u64, u64)>,
    /// What was accepted then may be lost: from what Redis had on its disk until it was verified.
    losing: Vec<(u64, u64)>,
}

impl Windows {
    pub(super) fn read(file: &Path, started_at: u64) -> Result<Self> {
        let mut windows = Self { started_at, ..Self::default() };
        for fault in lines(file)? {
            windows.add(&fault?);
        }
        Ok(windows)
    }

    fn add(&mut self, fault: &FaultRecord) {
        let until = fault.bids_fail_until;
        self.failing.extend(until.map(|until| (fault.from, until)));
        self.losing.extend(fault.loses_since.map(|since| (since, until.unwrap_or(fault.until))));
    }

    pub(super) fn may_fail(&self, request: &Request) -> bool {
        self.failing.iter().any(|(from, until)| request.sent <= *until && *from <= request.answered)
    }

    /// Whether what was answered in this time may be lost.
    pub(super) fn may_lose(&self, sent: u64, answered: u64) -> bool {
        self.losing.iter().any(|(since, until)| sent <= *until && *since <= answered)
    }

    /// Whether what was accepted at this time of Redis may be lost.
    pub(super) fn may_have_lost_at(&self, at: u64) -> bool {
        let at = at.saturating_sub(self.started_at);
        self.may_lose(at, at)
    }

    /// Whether anything was lost up to now.
    pub(super) fn may_have_lost_before(&self, time: u64) -> bool {
        self.losing.iter().any(|(since, _)| *since <= time)
    }

    pub(super) fn may_lose_at_all(&self) -> bool {
        !self.losing.is_empty()
    }
}
