//! Finding what is missing: when to read, and what.

use std::time::{Duration, Instant};

use auction::Position;

use super::JumpReason;
use crate::limits::{GAP_HOLD, READ_RETRY_DELAY, READ_RETRY_DELAY_MAX};

/// Something to read from Redis. At most one reading of an item is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// Where the item stands.
    Standing,
    /// The first [`LOG_PAGE_EVENTS`](crate::limits::LOG_PAGE_EVENTS) events after a position.
    Log { after: Position },
}

#[derive(Debug, Default)]
pub(super) struct Repair {
    standing_wanted: bool,
    log_wanted: bool,
    under_way: Option<Read>,
    reads_begun: u64,
    failures: u32,
    /// Set after a failure.
    paused_until: Option<Instant>,
    gap: Option<Gap>,
    /// From where the log does not lead on, and why: only a snapshot does.
    pub(super) cut: Option<(Position, JumpReason)>,
    /// Where the item stood when Redis was last asked: the log should lead there.
    pub(super) standing: Option<Position>,
}

#[derive(Debug)]
struct Gap {
    behind: Position,
    /// `None` once the log was asked for.
    held_until: Option<Instant>,
}

impl Repair {
    pub(super) fn reads_begun(&self) -> u64 {
        self.reads_begun
    }

    pub(super) fn ask_standing(&mut self) {
        self.standing_wanted = true;
    }

    pub(super) fn ask_log(&mut self) {
        self.log_wanted = true;
    }

    /// A gap behind a new position is given time of its own to close by itself.
    pub(super) fn watch_gap(&mut self, open: bool, behind: Position, now: Instant) {
        if !open {
            self.gap = None;
        } else if self.gap.as_ref().is_none_or(|gap| gap.behind != behind) {
            self.gap = Some(Gap { behind, held_until: Some(now + GAP_HOLD) });
        }
    }

    pub(super) fn time_passed(&mut self, now: Instant) {
        if let Some(gap) = &mut self.gap
            && gap.held_until.is_some_and(|until| until <= now)
        {
            gap.held_until = None;
            self.log_wanted = true;
        }
        self.paused_until = self.paused_until.filter(|until| *until > now);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let held_until = self.gap.as_ref().and_then(|gap| gap.held_until);
        [held_until, self.paused_until].into_iter().flatten().min()
    }

    pub(super) fn page_is_due(&self) -> bool {
        self.is_due() && !self.standing_wanted
    }

    fn is_due(&self) -> bool {
        let wanted = self.standing_wanted || self.log_wanted;
        wanted && self.under_way.is_none() && self.paused_until.is_none()
    }

    pub(super) fn begin(&mut self, position: Position) -> Option<Read> {
        if !self.is_due() {
            return None;
        }
        let read = if std::mem::take(&mut self.standing_wanted) {
            Read::Standing
        } else {
            self.log_wanted = false;
            Read::Log { after: position }
        };
        self.reads_begun += 1;
        self.under_way = Some(read);
        Some(read)
    }

    /// Answers what was read.
    pub(super) fn succeeded(&mut self) -> Option<Read> {
        self.failures = 0;
        self.under_way.take()
    }

    pub(super) fn failed(&mut self, now: Instant) {
        match self.under_way.take() {
            Some(Read::Standing) => self.standing_wanted = true,
            Some(Read::Log { .. }) => self.log_wanted = true,
            None => {}
        }
        let delay: Duration = READ_RETRY_DELAY * 2_u32.saturating_pow(self.failures.min(16));
        self.failures += 1;
        self.paused_until = Some(now + delay.min(READ_RETRY_DELAY_MAX));
    }
}
