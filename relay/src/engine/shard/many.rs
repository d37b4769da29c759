//! Connections that watch several items: what they ask for, and what they are answered.

use auction::{ItemId, Position};

use super::Shard;
use crate::closing::Closing;
use crate::engine::mailbox::SeatKey;
use crate::engine::outlet::Said;
use crate::frame::Frame;
use crate::item::Since;
use crate::limits::{ANSWERS_MAX, REPLAY_FRAMES_MAX, SUBSCRIPTIONS_MAX};
use crate::protocol::{Answer, Fault, Request};

impl Shard {
    /// Does what a connection asks for, or says why not.
    pub(super) fn answer(&mut self, key: u32, request: &str) {
        let now = self.wheel.now();
        let Some(connection) = self.connections.get_mut(key as usize).filter(|connection| connection.is_open()) else {
            return;
        };
        if !connection.allowance.command(now) {
            return self.reply(key, &Answer::error(Fault::TooManyCommands, None));
        }
        match Request::read(request) {
            Ok(Request::Subscribe { item, since }) => self.subscribe(key, item, since),
            Ok(Request::Unsubscribe { item }) => self.unsubscribe(key, &item),
            Ok(Request::Ping) => self.reply(key, &Answer::Pong),
            Err(fault) => self.reply(key, &Answer::error(fault, None)),
        }
    }

    fn subscribe(&mut self, key: u32, item: ItemId, since: Option<Since>) {
        let Some(connection) = self.connections.get(key as usize) else { return };
        let fault = match () {
            () if connection.seats.iter().any(|seat| *seat.item.id() == item) => Fault::AlreadySubscribed,
            () if connection.seats.len() >= SUBSCRIPTIONS_MAX => Fault::TooManySubscriptions,
            () => match self.hub.watch(&item) {
                Some(handle) => return self.sit(key, handle, since),
                None => Fault::Full,
            },
        };
        self.reply(key, &Answer::error(fault, Some(&item)));
    }

    fn unsubscribe(&mut self, key: u32, item: &ItemId) {
        let Some(connection) = self.connections.get(key as usize) else { return };
        let seat = connection.seats.iter().find(|seat| seat.item.id() == item).map(|seat| seat.serial);
        match seat {
            Some(serial) => {
                self.give_up(self.seat(key, serial));
                self.reply(key, &Answer::Unsubscribed { item_id: item });
            }
            None => self.reply(key, &Answer::error(Fault::NotSubscribed, Some(item))),
        }
    }

    /// The item cannot be shown any longer, while others can.
    pub(super) fn lose_item(&mut self, seat: SeatKey, why: Closing) {
        let Some(item) = self.give_up(seat) else { return };
        let close = why.frame(self.retry_after_ms(seat.serial));
        let (code, reason) = (close.code.into(), close.reason.as_str());
        self.reply(seat.connection, &Answer::Closed { item_id: &item, code, reason });
    }

    fn give_up(&mut self, seat: SeatKey) -> Option<ItemId> {
        let now = self.wheel.now();
        let connection = self.connections.get_mut(seat.connection as usize)?;
        let place = connection.seats.iter().position(|found| found.serial == seat.serial)?;
        let left = connection.seats.remove(place);
        connection.idle_since = now;
        connection.forget(left.serial);
        let item = left.item.id().clone();
        self.leave(seat.connection, left);
        self.schedule(seat.connection);
        Some(item)
    }

    fn reply(&mut self, key: u32, answer: &Answer<'_>) {
        if let Some(connection) = self.connections.get_mut(key as usize) {
            if connection.unsaid() > REPLAY_FRAMES_MAX + ANSWERS_MAX {
                // It asks, and does not read.
                return self.close(key, Closing::Flooding);
            }
            connection.say(Said::Frame(Frame::text(Position::default(), &answer.to_json())));
            self.touched.push(key);
        }
    }
}
