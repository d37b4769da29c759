//! A viewer's connection: some 200 bytes, as long as it reads what it is given.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use auction::Position;
use smallvec::SmallVec;

use super::allowance::Allowance;
use super::batch::{Batch, Rest};
use super::newcomer::Purpose;
use super::outlet::{Gone, Outlet, Said};
use super::wheel::Tick;
use crate::item::ItemHandle;
use crate::limits::{IDLE_MAX, PONGS_MAX, SILENCE_MAX, WRITE_DEADLINE};
use crate::places::Place;
use crate::websocket::{self, Hearing};

pub(super) struct Connection {
    pub(super) outlet: Outlet,
    /// What is said to it alone, or the rest of a frame: before anything of a ring.
    said: VecDeque<Said>,
    pub(super) hearing: Hearing,
    /// How many frames wait that only its viewers are shown, of all seats.
    pub(super) waiting: Option<Arc<AtomicUsize>>,
    /// One, or as many as a connection with several items asked for.
    pub(super) seats: SmallVec<[Seat; 1]>,
    pub(super) kind: Kind,
    pub(super) stage: Stage,
    /// Distinguishes it from the one that had its key before.
    pub(super) serial: u32,
    pub(super) heard_at: Tick,
    pub(super) ping_at: Tick,
    /// Since when it takes nothing.
    pub(super) blocked_since: Option<Tick>,
    /// When the shard looks at it next.
    pub(super) look_at: Tick,
    /// Since when it watches nothing.
    pub(super) idle_since: Tick,
    pub(super) allowance: Allowance,
    _place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Item,
    Many,
    Echo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    /// The close frame is on its way, until then at most. So many bytes are thrown away meanwhile.
    Closing(Tick, usize),
    /// It has the close frame, and should hang up.
    HangingUp(Tick, usize),
}

/// A subscription.
pub(super) struct Seat {
    pub(super) serial: u32,
    pub(super) item: Arc<ItemHandle>,
    pub(super) live: Option<Live>,
}

/// Where a viewer is among those who see what all see.
#[derive(Clone, Copy)]
pub(super) struct Live {
    /// The key of the item's audience in the shard.
    pub(super) audience: u32,
    /// The place among its members.
    pub(super) member: u32,
    /// The number of the next frame of the ring.
    pub(super) cursor: u64,
    /// The last that it has seen. Only true while it is behind the others.
    pub(super) last: Position,
}

impl Connection {
    pub(super) fn new(outlet: Outlet, purpose: &Purpose, place: Place, serial: u32, now: Tick, ping_at: Tick) -> Self {
        let kind = match purpose {
            Purpose::Item(..) => Kind::Item,
            Purpose::Many => Kind::Many,
            Purpose::Echo => Kind::Echo,
        };
        Self {
            outlet,
            said: VecDeque::new(),
            hearing: Hearing::default(),
            waiting: None,
            seats: SmallVec::new(),
            kind,
            stage: Stage::Open,
            serial,
            heard_at: now,
            ping_at,
            blocked_since: None,
            look_at: Tick::NEVER,
            idle_since: now,
            allowance: Allowance::new(now),
            _place: place,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Nothing must be said before what comes next of a ring.
    pub(super) fn takes_more(&self) -> bool {
        self.said.is_empty() && self.blocked_since.is_none() && self.is_open()
    }

    pub(super) fn say(&mut self, said: Said) {
        self.said.push_back(said);
    }

    /// Who does not take what it has asked for is not answered without end.
    pub(super) fn say_pong(&mut self, payload: &[u8]) {
        if self.unsaid() < PONGS_MAX || self.kind == Kind::Echo {
            self.say(Said::Bytes(websocket::pong(payload)));
        }
    }

    /// When something must happen, if nothing happens before.
    pub(super) fn due(&self) -> Tick {
        match self.stage {
            Stage::Closing(until, _) | Stage::HangingUp(until, _) => until,
            Stage::Open => {
                let stuck_at = self.blocked_since.map_or(Tick::NEVER, |since| since.after(WRITE_DEADLINE));
                self.ping_at.min(self.silent_at()).min(stuck_at).min(self.idle_until())
            }
        }
    }

    /// A connection for several items that watches none may go.
    pub(super) fn idle_until(&self) -> Tick {
        match self.kind {
            Kind::Many if self.seats.is_empty() => self.idle_since.after(IDLE_MAX),
            Kind::Many | Kind::Item | Kind::Echo => Tick::NEVER,
        }
    }

    /// When it is taken for dead. Who listens to Server-Sent Events can say nothing.
    pub(super) fn silent_at(&self) -> Tick {
        match self.outlet {
            Outlet::Socket { .. } => self.heard_at.after(SILENCE_MAX),
            Outlet::Stream(_) => Tick::NEVER,
        }
    }

    /// What waits for a seat that is left.
    pub(super) fn forget(&mut self, left: u32) {
        self.said.retain(|said| !matches!(said, Said::Counted { seat, .. } if *seat == left));
    }

    /// How much waits to be said.
    pub(super) fn unsaid(&self) -> usize {
        self.said.len()
    }

    /// Drops what waits, except the rest of a frame that was begun.
    pub(super) fn say_at_last(&mut self, said: Said) {
        let rest = std::mem::take(&mut self.said).pop_front();
        self.said.extend(rest.filter(|rest| matches!(rest, Said::Rest(_))));
        self.say(said);
    }

    pub(super) fn has_said_all(&self) -> bool {
        self.said.is_empty()
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self, scratch: &mut Vec<u8>, now: Tick) -> Result<(), Gone> {
        if self.said.is_empty() {
            return Ok(());
        }
        let before = self.said.len();
        match self.outlet.give(&mut self.said, scratch)? {
            true => {
                // Most have nothing to be said alone for the rest of their time.
                self.said = VecDeque::new();
                self.blocked_since = None;
            }
            false if self.said.len() < before => self.blocked_since = Some(now),
            false => {
                self.blocked_since.get_or_insert(now);
            }
        }
        Ok(())
    }

    /// It cannot take what the others of an item are given.
    pub(super) fn stays_behind(&mut self, audience: u32, stood: Position) {
        if let Some(live) = self.live_in(audience) {
            live.last = stood;
        }
    }

    /// Gives it what is next of an item. `stood`: where it stands before. How many frames it takes.
    pub(super) fn give(&mut self, batch: &Batch, audience: u32, stood: Position, now: Tick) -> Result<u64, Gone> {
        let Rest { next, of_frame, last } = batch.rest(self.outlet.give_batch(batch)?);
        if next < batch.end() || of_frame.is_some() {
            self.blocked_since = Some(now);
        }
        if let Some(rest) = of_frame {
            self.say(Said::Rest(rest));
        }
        let Some(live) = self.live_in(audience) else { return Ok(0) };
        let count = next - live.cursor;
        (live.cursor, live.last) = (next, last.unwrap_or(stood));
        Ok(count)
    }

    pub(super) fn seat_mut(&mut self, serial: u32) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.serial == serial)
    }

    pub(super) fn live_in(&mut self, audience: u32) -> Option<&mut Live> {
        self.seats.iter_mut().filter_map(|seat| seat.live.as_mut()).find(|live| live.audience == audience)
    }
}

#[cfg(test)]
mod tests;
