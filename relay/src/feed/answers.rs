//! What a feed makes of the answers from Redis.

use std::time::Instant;

use auction::{AuctionEvent, ItemState};

use super::{Feed, Jump, JumpReason, Output, Outputs, Published, Read};
use crate::limits::LOG_PAGE_EVENTS;

impl Feed {
    /// Whether [`Feed::next_read`] is a page of the log, which may set free many events at once.
    pub(crate) fn wants_page(&self) -> bool {
        self.repair.page_is_due()
    }

    /// What to read now. It is under way until one of the answers below is given.
    pub(crate) fn next_read(&mut self) -> Option<Read> {
        self.repair.begin(self.position())
    }

    pub(crate) fn read_failed(&mut self, now: Instant) {
        self.repair.failed(now);
    }

    /// The log's answer: the first seq it still has, and the events that were asked for.
    pub(crate) fn log_read(
        &mut self,
        oldest_seq: Option<u64>,
        events: Vec<AuctionEvent>,
        now: Instant,
        outputs: &mut Outputs,
    ) {
        self.repair.succeeded();
        let page_is_full = events.len() >= LOG_PAGE_EVENTS;
        let mut cut = oldest_seq.is_none_or(|oldest| oldest > self.position().seq + 1);
        for event in events {
            if event.position <= self.position() {
                continue;
            }
            if !self.is_next(event.position) {
                // A hole in the log, or a new epoch in it.
                cut = event.position.epoch == self.position().epoch;
                self.repair.ask_standing();
                break;
            }
            if self.held.take(event.position.seq).is_none() {
                self.gaps_filled += 1;
            }
            self.emit(Published::encode(event), outputs);
        }
        self.emit_held(outputs);
        if cut {
            self.repair.log_is_cut = true;
            self.repair.ask_standing();
        } else if page_is_full {
            self.repair.ask_log();
        } else if self.held.epoch() == self.position().epoch {
            self.forget_what_redis_does_not_know();
        }
        self.watch_gap(now);
    }

    /// The answer to where the item stands.
    pub(crate) fn standing_read(&mut self, state: ItemState, now: Instant, outputs: &mut Outputs) {
        self.repair.succeeded();
        let log_is_cut = std::mem::take(&mut self.repair.log_is_cut);
        let (found, last) = (state.position, self.position());
        if found.epoch > last.epoch {
            self.jump(JumpReason::Epoch, state, outputs);
        } else if found <= last {
            self.forget_what_redis_does_not_know();
        } else if log_is_cut {
            self.jump(JumpReason::LogTrimmed, state, outputs);
        } else {
            self.repair.ask_log();
        }
        if self.held.epoch() > self.position().epoch {
            // The epoch that an event claimed is not there.
            self.forget_what_redis_does_not_know();
            if !self.held.is_empty() {
                self.repair.ask_standing();
            }
        }
        self.emit_held(outputs);
        self.watch_gap(now);
    }

    fn jump(&mut self, reason: JumpReason, state: ItemState, outputs: &mut Outputs) {
        let (from, to) = (self.position(), state.position);
        let skipped = to.seq.saturating_sub(from.seq);
        if self.held.epoch() < to.epoch {
            self.held.restart(to.epoch);
        } else if self.held.epoch() == to.epoch {
            self.held.forget_up_to(to.seq);
        }
        outputs.push(Output::Snapshot(Jump { reason, state: state.clone(), skipped }));
        self.state = state;
    }

    /// Redis writes an event to the log before anybody publishes it. So what came before the last reading began, and is
    /// not in Redis, was lost by Redis or never happened; it would be waited for in vain.
    fn forget_what_redis_does_not_know(&mut self) {
        self.held.forget_before_read(self.repair.reads_begun());
        if self.held.is_empty() {
            self.held.restart(self.position().epoch);
        }
    }
}
