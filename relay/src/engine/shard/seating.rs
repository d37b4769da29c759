//! How connections come, and how viewers join an item and go live.

use std::sync::Arc;

use auction::Position;
use mio::{Interest, Token};
use tracing::debug;

use super::{Shard, small};
use crate::closing::Closing;
use crate::engine::audience::Audience;
use crate::engine::connection::{Connection, Kind, Live, Seat};
use crate::engine::mailbox::SeatKey;
use crate::engine::newcomer::{Newcomer, Purpose};
use crate::engine::outlet::Outlet;
use crate::item::{Command as ItemCommand, ItemHandle, Shared, Since, Viewer};
use crate::limits::PING_INTERVAL;

impl Shard {
    pub(super) fn adopt(&mut self, newcomer: Newcomer) {
        let Newcomer { mut outlet, first_bytes, purpose, place } = newcomer;
        let key = small(self.connections.vacant_key());
        if let Outlet::Socket { socket, .. } = &mut outlet {
            let interests = Interest::READABLE | Interest::WRITABLE;
            if let Err(error) = self.poll.registry().register(socket, Token(key as usize), interests) {
                return debug!(%error, "the connection is gone");
            }
        }
        let (now, serial) = (self.wheel.now(), self.next_serial());
        // Between half an interval and a whole one: viewers that came together are pinged apart.
        let ping_at = now.after(PING_INTERVAL.mul_f64(0.5 + fraction(serial) / 2.0));
        if let Outlet::Stream(stream) = &outlet {
            stream.belongs_to(&self.mailbox, key, serial);
        }
        self.deflating += usize::from(outlet.deflates());
        self.connections.insert(Connection::new(outlet, &purpose, place, serial, now, ping_at));
        self.hub.metrics.viewers_connected.inc();
        if let Purpose::Item(item, since) = purpose {
            self.sit(key, item, since);
        }
        self.schedule(key);
        if self.draining.is_some() {
            return self.close(key, Closing::Restart);
        }
        if !first_bytes.is_empty() {
            self.take_bytes(key, &first_bytes);
        }
    }

    /// A new subscription of a connection.
    pub(super) fn sit(&mut self, key: u32, item: Arc<ItemHandle>, since: Option<Since>) {
        let serial = self.next_serial();
        let seat = self.seat(key, serial);
        item.shared().ring.viewer_comes(self.number);
        let connection = &mut self.connections[key as usize];
        let waiting = Arc::clone(connection.waiting.get_or_insert_default());
        let viewer = Viewer::new(Arc::clone(&self.mailbox), seat, waiting, since);
        let joined = item.send(ItemCommand::Join(viewer));
        connection.seats.push(Seat { serial, item, live: None });
        if joined.is_err() {
            self.close_seat(seat, Closing::Restart);
        }
    }

    pub(super) fn go_live(&mut self, seat: SeatKey, from: u64, position: Position) {
        let Some(connection) = self.with_seat(seat) else { return };
        let Some(found) = connection.seat_mut(seat.serial) else { return };
        let shared = Arc::clone(found.item.shared());
        let key = self.audience(&shared, from, position);
        let audience = &mut self.audiences[key as usize];
        let live = Live { audience: key, member: audience.join(seat.connection), cursor: from, last: position };
        if from < audience.head {
            audience.behind.push(seat.connection);
        }
        let connection = &mut self.connections[seat.connection as usize];
        if connection.kind == Kind::Item {
            connection.waiting = None;
        }
        if let Some(found) = connection.seat_mut(seat.serial) {
            found.live = Some(live);
        }
        self.touched.push(seat.connection);
        // Something may have come before anybody was live here.
        self.to_show.push(key);
    }

    /// The connection, if the seat is still taken.
    pub(super) fn with_seat(&mut self, seat: SeatKey) -> Option<&mut Connection> {
        let connection = self.connections.get_mut(seat.connection as usize)?;
        connection.seat_mut(seat.serial).is_some().then_some(connection)
    }

    pub(super) fn find_audience(&self, shared: &Arc<Shared>) -> Option<u32> {
        self.audience_of.get(&address(shared)).copied()
    }

    /// The audience of an item, begun if nobody is live yet.
    fn audience(&mut self, shared: &Arc<Shared>, from: u64, position: Position) -> u32 {
        let Self { audiences, audience_of, .. } = self;
        *audience_of.entry(address(shared)).or_insert_with(|| {
            let audience = Audience::new(Arc::clone(shared), from, position);
            small(audiences.insert(audience))
        })
    }

    /// Gives up an audience that nobody is left of.
    pub(super) fn leave_audience(&mut self, live: Live) {
        let Some(audience) = self.audiences.get_mut(live.audience as usize) else { return };
        if let Some(moved) = audience.leave(live.member)
            && let Some(connection) = self.connections.get_mut(moved as usize)
            && let Some(other) = connection.live_in(live.audience)
        {
            other.member = live.member;
        }
        if audience.members.is_empty() {
            audience.shared.ring.has_come_to(self.number, u64::MAX);
            let audience = self.audiences.remove(live.audience as usize);
            self.audience_of.remove(&address(&audience.shared));
        }
    }
}

/// An audience holds what lies there, so that nothing else can.
fn address(shared: &Arc<Shared>) -> usize {
    Arc::as_ptr(shared).addr()
}

/// Spreads serial numbers evenly between 0 and 1: multiples of the golden ratio.
pub(super) fn fraction(serial: u32) -> f64 {
    f64::from(serial.wrapping_mul(0x9e37_79b9)) / f64::from(u32::MAX)
}
