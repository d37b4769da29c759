//! What a feed makes of the answers from Redis.

use std::time::Instant;

use auction::{AuctionEvent, ItemState};
use ledger::{Continuity, LogPage};

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

    /// The log's answer: what it has after our position.
    pub(crate) fn log_read(&mut self, page: LogPage, now: Instant, outputs: &mut Outputs) {
        let read = self.repair.succeeded();
        let page_is_full = page.events.len() >= LOG_PAGE_EVENTS;
        // An event that came during the reading stands in a page that leads beyond it, unless Redis has lost it.
        let here = self.position();
        let is_from_here = read == Some(Read::Log { after: here })
            || page.events.last().is_none_or(|last| last.position < here)
            || page.events.iter().any(|event| event.position == here);
        let cut = match page.continuity {
            Continuity::Unbroken if is_from_here => self.emit_page(page.events, outputs),
            Continuity::Unbroken => {
                self.repair.ask_log();
                None
            }
            Continuity::Trimmed => Some(JumpReason::LogTrimmed),
            Continuity::Lost => Some(JumpReason::Epoch),
        };
        if cut.is_some() {
            self.repair.cut = cut;
            self.repair.ask_standing();
        } else if page_is_full {
            self.repair.ask_log();
        } else {
            self.forget_what_redis_does_not_know();
        }
        self.emit_held(outputs);
        self.watch_gap(now);
    }

    /// Emits what follows our position, also into a later epoch. Answers why it does not lead on, if the log has a hole:
    /// events that Redis lost and nobody could give back.
    fn emit_page(&mut self, events: Vec<AuctionEvent>, outputs: &mut Outputs) -> Option<JumpReason> {
        for event in events {
            if event.position <= self.position() {
                continue;
            }
            if event.position.seq != self.position().seq + 1 {
                return Some(JumpReason::LogTrimmed);
            }
            if self.held.take(event.position).is_none() {
                self.gaps_filled += 1;
            }
            self.emit(Published::encode(event), outputs);
        }
        None
    }

    /// The answer to where the item stands.
    pub(crate) fn standing_read(&mut self, state: ItemState, now: Instant, outputs: &mut Outputs) {
        self.repair.succeeded();
        let cut = self.repair.cut.take();
        match cut {
            _ if state.position <= self.position() => self.forget_what_redis_does_not_know(),
            Some(reason) => self.jump(reason, state, outputs),
            // Of a later epoch, too: the log tells whether our history goes on there.
            None => self.repair.ask_log(),
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
        } else {
            // What came during the reading is in the log by now.
            self.repair.ask_log();
        }
    }
}
