//! How subscriptions and connections end.

use std::sync::Arc;

use super::Shard;
use super::seating::fraction;
use crate::closing::Closing;
use crate::config::SlowViewers;
use crate::engine::connection::{Kind, Seat, Stage};
use crate::engine::mailbox::SeatKey;
use crate::engine::outlet::Said;
use crate::item::{Command as ItemCommand, Shared, Viewer};
use crate::limits::{CLOSE_DEADLINE, DISCARDED_BYTES_MAX, RETURN_SPREAD_MIN, RETURNS_PER_SECOND};

impl Shard {
    /// Says why, gives the viewer time to read it, and ends the connection.
    pub(super) fn close(&mut self, key: u32, why: Closing) {
        let Some(serial) = self.connections.get(key as usize).map(|connection| connection.serial) else { return };
        let said = Said::Close(why, self.retry_after_ms(serial));
        self.say_goodbye(key, said);
    }

    pub(super) fn say_goodbye(&mut self, key: u32, said: Said) {
        self.leave_all(key);
        let until = self.wheel.now().after(CLOSE_DEADLINE);
        let Some(connection) = self.connections.get_mut(key as usize) else { return };
        if connection.is_open() {
            connection.say_at_last(said);
            connection.stage = Stage::Closing(until, DISCARDED_BYTES_MAX);
            self.write_to(key);
        }
    }

    /// All is said. Ends our side, and waits until the viewer ends its side: unread bytes would turn the end into a reset,
    /// which takes the close frame away from the viewer.
    pub(super) fn hang_up(&mut self, key: u32) {
        let until = self.wheel.now().after(CLOSE_DEADLINE);
        let Some(connection) = self.connections.get_mut(key as usize) else { return };
        if !connection.outlet.shut() {
            return self.remove(key);
        }
        connection.stage = Stage::HangingUp(until, DISCARDED_BYTES_MAX);
        self.hear(key);
    }

    /// A viewer is closed by its item. A connection with several items loses only this one.
    pub(super) fn close_seat(&mut self, seat: SeatKey, why: Closing) {
        let Some(connection) = self.with_seat(seat) else { return };
        match connection.kind {
            Kind::Item | Kind::Echo => self.close(seat.connection, why),
            Kind::Many => self.lose_item(seat, why),
        }
    }

    pub(super) fn close_all(&mut self, shared: &Arc<Shared>, why: Closing) {
        let Some(audience) = self.find_audience(shared).and_then(|key| self.audiences.get(key as usize)) else {
            return;
        };
        for connection in audience.members.clone() {
            let found = self.connections.get(connection as usize);
            let seat = found.and_then(|found| found.seats.iter().find(|seat| Arc::ptr_eq(seat.item.shared(), shared)));
            if let Some(serial) = seat.map(|seat| seat.serial) {
                self.close_seat(self.seat(connection, serial), why);
            }
        }
    }

    /// What a viewer has to be shown next is not kept any more: where the item stands takes its place.
    pub(super) fn falls_behind(&mut self, key: u32, seat: usize) {
        let Some(connection) = self.connections.get_mut(key as usize) else { return };
        let Some(Seat { serial, item, live }) = connection.seats.get_mut(seat) else { return };
        let (serial, item, Some(live)) = (*serial, Arc::clone(item), live.take()) else { return };
        let waiting = Arc::clone(connection.waiting.get_or_insert_default());
        self.leave_audience(live);
        let seat = self.seat(key, serial);
        if self.hub.slow_viewers == SlowViewers::Close {
            self.hub.metrics.slow_viewers_closed.inc();
            return self.close_seat(seat, Closing::TooSlow);
        }
        self.hub.metrics.slow_viewers_conflated.inc();
        let viewer = Viewer::new(Arc::clone(&self.mailbox), seat, waiting, None);
        if item.send(ItemCommand::FellBehind(viewer, live.last)).is_err() {
            self.close_seat(seat, Closing::Restart);
        }
    }

    /// The viewer is gone.
    pub(super) fn remove(&mut self, key: u32) {
        self.leave_all(key);
        if let Some(connection) = self.connections.try_remove(key as usize) {
            self.deflating -= usize::from(connection.outlet.deflates());
        }
    }

    fn leave_all(&mut self, key: u32) {
        let Some(connection) = self.connections.get_mut(key as usize) else { return };
        for seat in std::mem::take(&mut connection.seats) {
            self.leave(key, seat);
        }
    }

    /// The item is told, and need not be there any more.
    pub(super) fn leave(&mut self, key: u32, seat: Seat) {
        seat.item.shared().ring.viewer_goes(self.number);
        if let Some(live) = seat.live {
            self.leave_audience(live);
            self.progressed.push(live.audience);
        }
        let _ = seat.item.send(ItemCommand::Leave(self.seat(key, seat.serial)));
    }

    /// When a viewer should come back: each at another time, and the more there are the later.
    pub(super) fn retry_after_ms(&self, serial: u32) -> u32 {
        let returning = self.hub.places.taken() as f64 / f64::from(RETURNS_PER_SECOND);
        let spread = returning.max(RETURN_SPREAD_MIN.as_secs_f64());
        // Fits: a hundred thousand viewers are a minute.
        (spread * 1e3 * fraction(serial)) as u32
    }
}
