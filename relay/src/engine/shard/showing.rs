//! Writing: to all who see an item, and to those who are behind.

use super::Shard;
use crate::engine::connection::{Kind, Stage};
use crate::engine::outlet::Gone;
use crate::limits::STUCK_AFTER;
use crate::ring::Read;

impl Shard {
    /// Each audience once: what does not fit, or comes meanwhile, waits for the next turn, and others do not wait for it.
    pub(super) fn show_all(&mut self) {
        for key in std::mem::take(&mut self.to_show) {
            if let Some(shown) = self.show(key) {
                self.hub.metrics.frames_sent.inc_by(shown);
                self.to_show.push(key);
                self.note_progress(key);
            }
        }
    }

    /// Shows all members what is new. The bytes are joined once, and each viewer costs one system call. `None`: nothing is
    /// new.
    fn show(&mut self, key: u32) -> Option<u64> {
        let audience = self.audiences.get_mut(key as usize)?;
        let (from, stood) = (audience.head, audience.position);
        let deflater = (self.deflating > 0).then_some(&mut self.deflater);
        let (until, here) = match self.batch.fill(&audience.shared.ring, from, u64::MAX, deflater) {
            Read::Until(until) => (until, self.batch.frames().last().map(|last| last.position())),
            // This shard itself was too slow: all are behind now.
            Read::TooLate => audience.shared.ring.here(),
        };
        if until == from {
            return None;
        }
        let (mut shown, mut gone, now) = (0, Vec::new(), self.wheel.now());
        for member in &audience.members {
            let Some(connection) = self.connections.get_mut(*member as usize) else { continue };
            let Some(cursor) = connection.live_in(key).map(|live| live.cursor) else { continue };
            if cursor != from {
                // Behind, or ahead: it went live when the others had not been shown all.
                if cursor > from && cursor < until {
                    audience.behind.push(*member);
                    self.touched.push(*member);
                }
                continue;
            }
            if !connection.takes_more() || self.batch.frames().is_empty() {
                connection.stays_behind(key, stood);
            } else {
                match connection.give(&self.batch, key, stood, now) {
                    Ok(count) => shown += count,
                    Err(Gone) => gone.push(*member),
                }
            }
            if connection.live_in(key).is_some_and(|live| live.cursor < until) {
                audience.behind.push(*member);
            }
            if !connection.takes_more() || until > self.batch.end() {
                self.touched.push(*member);
            }
        }
        audience.head = until;
        audience.position = here.unwrap_or(stood);
        gone.into_iter().for_each(|key| self.remove(key));
        Some(shown)
    }

    /// A connection can be written again.
    pub(super) fn unblock(&mut self, key: u32) {
        let Some(connection) = self.connections.get_mut(key as usize) else { return };
        if connection.outlet.is_gone() {
            return self.remove(key);
        }
        if connection.blocked_since.is_some() {
            connection.blocked_since = None;
            self.write_to(key);
        }
    }

    pub(super) fn write_to_touched(&mut self) {
        while let Some(key) = self.touched.pop() {
            self.write_to(key);
        }
    }

    /// What is said to one alone goes first, then what it is behind with.
    pub(super) fn write_to(&mut self, key: u32) {
        let now = self.wheel.now();
        let Some(connection) = self.connections.get_mut(key as usize) else { return };
        if connection.flush(&mut self.scratch, now) == Err(Gone) {
            return self.remove(key);
        }
        if connection.has_said_all() {
            match (connection.stage, connection.kind) {
                (Stage::Open, Kind::Echo) => self.hear(key),
                (Stage::Open, Kind::Item | Kind::Many) => self.catch_up(key),
                (Stage::Closing(..), _) => self.hang_up(key),
                (Stage::HangingUp(..), _) => {}
            }
        }
        self.schedule(key);
    }

    fn catch_up(&mut self, key: u32) {
        let seats = self.connections.get(key as usize).map_or(0, |connection| connection.seats.len());
        for seat in 0..seats {
            while self.catch_up_some(key, seat) {}
        }
    }

    /// True: there may be more for this seat.
    fn catch_up_some(&mut self, key: u32, seat: usize) -> bool {
        let Some(connection) = self.connections.get_mut(key as usize) else { return false };
        let Some(live) = connection.seats.get(seat).and_then(|seat| seat.live) else { return false };
        let Some(audience) = self.audiences.get(live.audience as usize) else { return false };
        if live.cursor >= audience.head || !connection.takes_more() {
            return false;
        }
        let deflater = connection.outlet.deflates().then_some(&mut self.deflater);
        match self.batch.fill(&audience.shared.ring, live.cursor, audience.head, deflater) {
            Read::TooLate => self.falls_behind(key, seat),
            Read::Until(_) => match connection.give(&self.batch, live.audience, live.last, self.wheel.now()) {
                Ok(count) => {
                    self.hub.metrics.frames_sent.inc_by(count);
                    self.progressed.push(live.audience);
                    return true;
                }
                Err(Gone) => self.remove(key),
            },
        }
        false
    }

    pub(super) fn note_all_progress(&mut self) {
        let mut progressed = std::mem::take(&mut self.progressed);
        progressed.sort_unstable();
        progressed.dedup();
        progressed.into_iter().for_each(|key| self.note_progress(key));
    }

    /// Tells the item how far the slowest of its viewers here is. Nobody waits for those that take nothing, nor for those
    /// that have missed something already.
    pub(super) fn note_progress(&mut self, key: u32) {
        let Some(audience) = self.audiences.get_mut(key as usize) else { return };
        let (start, head, now) = (audience.shared.ring.start(), audience.head, self.wheel.now());
        let mut slowest = head;
        audience.behind.retain(|member| {
            let Some(connection) = self.connections.get_mut(*member as usize) else { return false };
            let is_stuck = connection.blocked_since.is_some_and(|since| now >= since.after(STUCK_AFTER));
            let Some(cursor) = connection.live_in(key).map(|live| live.cursor) else { return false };
            if cursor >= start && !is_stuck {
                slowest = slowest.min(cursor);
            }
            cursor < head
        });
        audience.shared.ring.has_come_to(self.number, slowest);
    }
}
