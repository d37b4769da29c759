//! What a feed makes of the answers from Redis.

use std::time::Instant;

use auction::{ItemState, Position};
use ledger::{Continuity, LogPage};

use super::{Feed, Jump, JumpReason, Output, Outputs, Published, Read};

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
        let after = match self.repair.succeeded() {
            Some(Read::Log { after }) => after,
            _ => self.position(),
        };
        let is_last = page.is_last;
        if !self.concerns(&page, after) {
            self.repair.ask_log();
        } else if let Some(reason) = self.follow(page, after, outputs) {
            self.repair.cut = Some((self.position(), reason));
            self.repair.ask_standing();
        } else if is_last {
            self.forget_what_redis_does_not_know();
        } else {
            self.repair.ask_log();
        }
        self.emit_held(outputs);
        self.watch_gap(now);
    }

    /// Whether a page tells anything about where we are now, and not only about where we were when it was asked for.
    fn concerns(&self, page: &LogPage, after: Position) -> bool {
        let here = self.position();
        // An event that came during the reading stands in a page that leads beyond it, unless Redis has lost it.
        let leads_here = page.events.last().is_none_or(|last| last.position < here)
            || page.events.iter().any(|event| event.position == here);
        after == here || page.continuity == Continuity::Unbroken && leads_here
    }

    /// Emits what follows our position, also into a later epoch. Answers why the log does not lead on, if it does not.
    fn follow(&mut self, page: LogPage, after: Position, outputs: &mut Outputs) -> Option<JumpReason> {
        match page.continuity {
            Continuity::Unbroken if page.events.is_empty() && !page.is_last => return Some(JumpReason::LogTrimmed),
            Continuity::Unbroken => {}
            Continuity::Trimmed => return Some(JumpReason::LogTrimmed),
            Continuity::Lost => return Some(JumpReason::Epoch),
        }
        let end = page.events.last().map_or(after, |last| last.position);
        for event in page.events {
            if event.position <= self.position() {
                continue;
            }
            if event.position.seq != self.position().seq + 1 {
                // Redis lost what comes next and nobody could give it back, or only a newer version can read it.
                return Some(JumpReason::LogTrimmed);
            }
            if self.held.take(event.position).is_none() {
                self.gaps_filled += 1;
            }
            self.emit(Published::encode(event), outputs);
        }
        if page.is_last { self.meet_standing(end) } else { None }
    }

    /// The log has been followed to its end. The item was known to stand there, or further.
    fn meet_standing(&mut self, end: Position) -> Option<JumpReason> {
        let here = self.position();
        let standing = self.repair.standing.filter(|standing| *standing > here)?;
        if end != here {
            // NATS was faster.
            self.repair.ask_log();
        } else if standing.seq == here.seq {
            // Put into a later epoch where it stands: what comes of an earlier one from now on is lost.
            self.enter(standing.epoch);
        } else {
            return Some(JumpReason::LogTrimmed);
        }
        None
    }

    /// The answer to where the item stands.
    pub(crate) fn standing_read(&mut self, state: ItemState, now: Instant, outputs: &mut Outputs) {
        self.repair.succeeded();
        let here = self.position();
        let cut = self.repair.cut.take().filter(|(cut_at, _)| *cut_at == here);
        self.repair.standing = Some(state.position);
        match cut {
            // Behind us if Redis has lost something. It will go on in a later epoch.
            _ if state.position <= here => self.forget_what_redis_does_not_know(),
            Some((_, reason)) => self.jump(reason, state, outputs),
            // Of a later epoch, too: the log tells whether our history goes on there.
            None => self.repair.ask_log(),
        }
        self.emit_held(outputs);
        self.watch_gap(now);
    }

    fn enter(&mut self, epoch: u64) {
        self.state.position.epoch = epoch;
        if self.held.epoch() < epoch {
            self.held.restart(epoch);
        }
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
