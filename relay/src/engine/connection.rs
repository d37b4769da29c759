//! A viewer's connection: some 200 bytes, as long as it reads what it is given.

use std::collections::VecDeque;
use std::sync::Arc;

use auction::Position;
use smallvec::SmallVec;

use super::batch::{Batch, Rest};
use super::newcomer::Purpose;
use super::outlet::{Gone, Outlet, Said};
use super::wheel::Tick;
use crate::item::ItemHandle;
use crate::limits::{
    BYTES_PER_PING_MAX, COMMANDS_INTERVAL, COMMANDS_MAX, IDLE_MAX, MESSAGES_PER_PING_MAX, PONGS_MAX, SILENCE_MAX,
    WRITE_DEADLINE,
};
use crate::places::Place;
use crate::websocket::{self, Hearing};

pub(super) struct Connection {
    pub(super) outlet: Outlet,
    /// What is said to it alone, or the rest of a frame: before anything of a ring.
    said: Option<Box<VecDeque<Said>>>,
    pub(super) hearing: Hearing,
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
    messages_left: u32,
    bytes_left: usize,
    commands: Commands,
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
    /// The close frame is on its way, until then at most.
    Closing(Tick),
    /// It has the close frame, and should hang up. So many bytes are thrown away until then.
    HangingUp(Tick, usize),
}

/// What a connection with several items may still ask for, and since when that is counted.
struct Commands {
    left: u16,
    counted_at: Tick,
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
            said: None,
            hearing: Hearing::default(),
            seats: SmallVec::new(),
            kind,
            stage: Stage::Open,
            serial,
            heard_at: now,
            ping_at,
            blocked_since: None,
            look_at: Tick::NEVER,
            idle_since: now,
            messages_left: MESSAGES_PER_PING_MAX,
            bytes_left: BYTES_PER_PING_MAX,
            commands: Commands { left: COMMANDS_MAX, counted_at: now },
            _place: place,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Nothing must be said before what comes next of a ring.
    pub(super) fn takes_more(&self) -> bool {
        self.said.is_none() && self.blocked_since.is_none() && self.is_open()
    }

    pub(super) fn say(&mut self, said: Said) {
        self.said.get_or_insert_default().push_back(said);
    }

    /// Who does not take what it has asked for is not answered without end.
    pub(super) fn say_pong(&mut self, payload: &[u8]) {
        let waiting = self.said.as_ref().map_or(0, |said| said.len());
        if waiting < PONGS_MAX || self.kind == Kind::Echo {
            self.say(Said::Bytes(websocket::pong(payload)));
        }
    }

    /// When something must happen, if nothing happens before.
    pub(super) fn due(&self) -> Tick {
        match self.stage {
            Stage::Closing(until) | Stage::HangingUp(until, _) => until,
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

    /// Drops what waits, except the rest of a frame that was begun.
    pub(super) fn say_at_last(&mut self, said: Said) {
        let rest = self.said.take().and_then(|mut said| said.pop_front());
        if let Some(Said::Bytes(rest)) = rest {
            self.say(Said::Bytes(rest));
        }
        self.say(said);
    }

    pub(super) fn has_said_all(&self) -> bool {
        self.said.is_none()
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self, scratch: &mut Vec<u8>, now: Tick) -> Result<(), Gone> {
        let Some(said) = &mut self.said else { return Ok(()) };
        let before = said.len();
        match self.outlet.give(said, scratch)? {
            true => {
                self.said = None;
                self.blocked_since = None;
            }
            false if said.len() < before => self.blocked_since = Some(now),
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
            self.say(Said::Bytes(rest));
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

    /// False if it sends too much.
    pub(super) fn may_send(&mut self, bytes: usize) -> bool {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.unwrap_or(0);
        left.is_some() || self.kind == Kind::Echo
    }

    /// False if it says too much.
    pub(super) fn heard(&mut self, now: Tick) -> bool {
        self.heard_at = now;
        let left = self.messages_left.checked_sub(1);
        self.messages_left = left.unwrap_or(0);
        left.is_some() || self.kind == Kind::Echo
    }

    /// False if it commands too often.
    pub(super) fn may_command(&mut self, now: Tick) -> bool {
        let Commands { left, counted_at } = &mut self.commands;
        if now >= counted_at.after(COMMANDS_INTERVAL) {
            (*left, *counted_at) = (COMMANDS_MAX, now);
        }
        let may = *left > 0;
        *left = left.saturating_sub(1);
        may
    }

    pub(super) fn start_again(&mut self) {
        self.messages_left = MESSAGES_PER_PING_MAX;
        self.bytes_left = BYTES_PER_PING_MAX;
    }
}
