//! Events that came too early, of one epoch.

use std::collections::BTreeMap;

use auction::Position;

use super::Published;
use crate::limits::HELD_EVENTS_MAX;

#[derive(Debug)]
pub(super) struct Held {
    epoch: u64,
    by_seq: BTreeMap<u64, Arrival>,
}

#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) published: Published,
    /// How many readings had begun when it came: the log of every later one has it, if it is genuine.
    pub(super) reads_begun: u64,
}

pub(super) enum Inserted {
    New,
    Again,
    /// There was no room: the event furthest ahead, maybe this one, was let go.
    Displaced,
}

impl Held {
    pub(super) fn new(epoch: u64) -> Self {
        Self { epoch, by_seq: BTreeMap::new() }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_seq.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_seq.is_empty()
    }

    /// Lets everything go and holds events of this epoch from now on.
    pub(super) fn restart(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.by_seq.clear();
    }

    pub(super) fn insert(&mut self, seq: u64, arrival: Arrival) -> Inserted {
        if self.by_seq.contains_key(&seq) {
            return Inserted::Again;
        }
        self.by_seq.insert(seq, arrival);
        if self.by_seq.len() <= HELD_EVENTS_MAX {
            return Inserted::New;
        }
        self.by_seq.pop_last();
        Inserted::Displaced
    }

    pub(super) fn take(&mut self, position: Position) -> Option<Arrival> {
        if position.epoch == self.epoch { self.by_seq.remove(&position.seq) } else { None }
    }

    pub(super) fn forget_up_to(&mut self, seq: u64) {
        self.by_seq = self.by_seq.split_off(&seq.saturating_add(1));
    }

    /// Forgets what came before the given reading began.
    pub(super) fn forget_before_read(&mut self, read: u64) {
        self.by_seq.retain(|_, arrival| arrival.reads_begun >= read);
    }
}
