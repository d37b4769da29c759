//! Reading what clients say.

use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;

use super::Shard;
use crate::closing::Closing;
use crate::engine::connection::{Connection, Kind, Stage};
use crate::engine::outlet::{Gone, Said};
use crate::engine::wheel::Tick;
use crate::limits::{ECHO_BYTES_MAX, MESSAGE_BYTES_MAX};
use crate::websocket::{self, Heard, Rules};

/// What comes of what was heard.
#[derive(Default)]
struct Outcome {
    /// What a connection with several items asks for.
    requests: Vec<String>,
    /// The client closes the connection, with this code.
    closed: Option<Option<u16>>,
    is_flooding: bool,
}

impl Shard {
    /// Reads until nothing more is there.
    pub(super) fn hear(&mut self, key: u32) {
        let mut buffer = std::mem::take(&mut self.buffer);
        if buffer.is_empty() {
            // It is being read already: this is a consequence of what was heard.
            return;
        }
        while let Some(connection) = self.connections.get_mut(key as usize) {
            if connection.kind == Kind::Echo && connection.is_open() && !connection.has_said_all() {
                // It should take what it was told before it says more.
                break;
            }
            let count = match connection.outlet.read(&mut buffer) {
                Ok(Some(count)) => count,
                Ok(None) => break,
                Err(Gone) => {
                    self.remove(key);
                    break;
                }
            };
            match &mut connection.stage {
                Stage::Open => self.take_bytes(key, &buffer[..count]),
                Stage::Closing(_, left) | Stage::HangingUp(_, left) if *left >= count => *left -= count,
                Stage::Closing(..) | Stage::HangingUp(..) => self.remove(key),
            }
        }
        self.buffer = buffer;
    }

    pub(super) fn take_bytes(&mut self, key: u32, bytes: &[u8]) {
        let now = self.wheel.now();
        let Some(connection) = self.connections.get_mut(key as usize) else { return };
        if connection.kind != Kind::Echo && !connection.allowance.bytes(bytes.len()) {
            return self.close(key, Closing::Flooding);
        }
        let message_max = if connection.kind == Kind::Echo { ECHO_BYTES_MAX } else { MESSAGE_BYTES_MAX };
        let rules = Rules { message_max, inflates: connection.outlet.deflates() };
        let mut hearing = std::mem::take(&mut connection.hearing);
        let mut outcome = Outcome::default();
        let heard = hearing.hear(bytes, rules, |heard| outcome.take(connection, &heard, now));
        connection.hearing = hearing;
        if !connection.has_said_all() {
            self.touched.push(key);
        }
        outcome.requests.into_iter().for_each(|request| self.answer(key, &request));
        match (heard, outcome.closed) {
            (Err(why), _) => self.close(key, why),
            (Ok(()), Some(code)) => self.say_goodbye(key, Said::Bytes(websocket::close_answer(code))),
            (Ok(()), None) if outcome.is_flooding => self.close(key, Closing::Flooding),
            (Ok(()), None) => {}
        }
    }
}

impl Outcome {
    /// False: nothing more is to be heard.
    fn take(&mut self, connection: &mut Connection, heard: &Heard<'_>, now: Tick) -> bool {
        connection.heard_at = now;
        if connection.kind != Kind::Echo && !connection.allowance.message() {
            self.is_flooding = true;
            return false;
        }
        match (heard, connection.kind) {
            (Heard::Ping(payload), _) => connection.say_pong(payload),
            (Heard::Close(code), _) => self.closed = Some(*code),
            (Heard::Text(text), Kind::Many) => self.requests.push((*text).to_owned()),
            (Heard::Text(text), Kind::Echo) => {
                connection.say(Said::Bytes(websocket::message(Data::Text, text.as_bytes())));
            }
            (Heard::Binary(bytes), Kind::Echo) => {
                connection.say(Said::Bytes(websocket::message(Data::Binary, bytes)));
            }
            // What a viewer says means nothing, except that it is there.
            (Heard::Pong | Heard::Text(_) | Heard::Binary(_), _) => {}
        }
        self.closed.is_none()
    }
}
