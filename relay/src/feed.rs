//! The order of an item's events, and the repair of what is missing: no sockets, no tasks, no clock.
//!
//! A feed starts at a snapshot s and emits exactly s+1, s+2, … Events come from NATS in any order, twice or not at all.
//! The next one is emitted at once; one further ahead is held for a moment, because handlers that publish side by side
//! overtake each other all the time, and then what is missing is read from the item's log in Redis. Only when the log
//! no longer has it, or Redis lost events that were shown already, does a new snapshot take its place. A later epoch
//! alone is no reason: the log tells whether what was shown is still a part of the history.
//!
//! The owner feeds it what happened and does what it asks: [`Feed::next_read`] says what to read, [`Feed::deadline`]
//! when to call [`Feed::time_passed`], and every call may append to [`Outputs`].

mod answers;
mod held;
mod published;
mod repair;

use std::time::Instant;

use auction::{AuctionEvent, Happening, ItemState, Leader, Position};

use self::held::{Arrival, Held};
pub(crate) use self::published::Published;
pub(crate) use self::repair::Read;
use self::repair::Repair;
use crate::frame::Frame;

/// What viewers are to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Event { position: Position, frame: Frame },
    Snapshot(Jump),
}

pub(crate) type Outputs = Vec<Output>;

/// A new snapshot in the middle of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Jump {
    pub(crate) reason: JumpReason,
    pub(crate) state: ItemState,
    /// How many events the snapshot stands for. Across epochs it is the difference of the numbers, if there is one.
    pub(crate) skipped: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JumpReason {
    /// Redis lost events that were shown, and has gone on without them in a later epoch.
    Epoch,
    /// The log no longer has what is missing.
    LogTrimmed,
    /// One viewer took so long to read that what it missed is not kept any more.
    TooSlow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrived {
    InOrder,
    Held,
    Duplicate,
    /// Of an earlier epoch than another that has come.
    Superseded,
}

/// The events of one item, in order.
#[derive(Debug)]
pub(crate) struct Feed {
    /// The item after the last event emitted, in the epoch that it is known to have gone on in.
    state: ItemState,
    held: Held,
    repair: Repair,
    gaps_filled: u64,
}

impl Feed {
    pub(crate) fn new(snapshot: ItemState) -> Self {
        let held = Held::new(snapshot.position.epoch);
        Self { state: snapshot, held, repair: Repair::default(), gaps_filled: 0 }
    }

    /// The item as its viewers have seen it.
    pub(crate) fn state(&self) -> &ItemState {
        &self.state
    }

    pub(crate) fn position(&self) -> Position {
        self.state.position
    }

    /// How many events were missing and came from the log.
    pub(crate) fn gaps_filled(&self) -> u64 {
        self.gaps_filled
    }

    /// An event came from NATS.
    pub(crate) fn arrived(&mut self, published: Published, now: Instant, outputs: &mut Outputs) -> Arrived {
        let position = published.event.position;
        if position <= self.position() {
            return Arrived::Duplicate;
        }
        if position.epoch < self.held.epoch() {
            // Redis may have lost it. If not, it is in the log.
            self.repair.ask_log();
            return Arrived::Superseded;
        }
        if self.is_next(position) {
            self.emit(published, outputs);
            self.emit_held(outputs);
            self.watch_gap(now);
            return Arrived::InOrder;
        }
        if position.epoch > self.held.epoch() {
            // Whether our history goes on in it is for the log to say.
            self.held.restart(position.epoch);
            self.repair.ask_log();
        }
        let arrival = Arrival { published, reads_begun: self.repair.reads_begun() };
        let arrived = match self.held.insert(position.seq, arrival) {
            held::Inserted::New => Arrived::Held,
            held::Inserted::Again => Arrived::Duplicate,
            // It is in the log, and so found there once the reading gets that far.
            held::Inserted::Displaced => {
                self.repair.ask_log();
                Arrived::Held
            }
        };
        self.watch_gap(now);
        arrived
    }

    /// Events may have been missed, although nothing shows it yet.
    pub(crate) fn interrupted(&mut self) {
        self.repair.ask_standing();
    }

    pub(crate) fn time_passed(&mut self, now: Instant) {
        self.repair.time_passed(now);
    }

    /// When to call [`Feed::time_passed`].
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.repair.deadline()
    }

    fn is_next(&self, position: Position) -> bool {
        let last = self.position();
        position.epoch == last.epoch && position.seq == last.seq + 1
    }

    fn emit(&mut self, published: Published, outputs: &mut Outputs) {
        advance(&mut self.state, &published.event);
        outputs.push(Output::Event { position: published.event.position, frame: published.frame });
    }

    /// Emits what waited behind the last event.
    fn emit_held(&mut self, outputs: &mut Outputs) {
        while let Position { epoch, seq } = self.position()
            && let Some(arrival) = self.held.take(Position { epoch, seq: seq + 1 })
        {
            self.emit(arrival.published, outputs);
        }
    }

    fn watch_gap(&mut self, now: Instant) {
        self.repair.watch_gap(!self.held.is_empty(), self.position(), now);
    }
}

/// Moves the state on as the script did when it accepted the event.
fn advance(state: &mut ItemState, event: &AuctionEvent) {
    let Happening::Bid(bid) = &event.happening;
    state.position = event.position;
    state.leader = Some(Leader { user: bid.user_id.clone(), amount: bid.amount });
    state.bid_count += 1;
    state.last_event_at = Some(event.timestamp);
}

#[cfg(test)]
pub(crate) mod model;
#[cfg(test)]
pub(crate) mod tests;
