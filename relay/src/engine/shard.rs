//! A thread with its connections: nobody else touches them.
//!
//! Each turn it reads what clients say, obeys what it is told, writes what is new, and lets time pass. What comes while it
//! writes waits for the next turn, and is written together then: the more there is, the larger the batches.

mod ending;
mod hearing;
mod many;
mod seating;
mod showing;
mod time;

use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, event::Event};
use slab::Slab;
use tracing::error;

use self::time::Draining;
use super::audience::Audience;
use super::batch::Batch;
use super::connection::Connection;
use super::mailbox::{Command, Mailbox, SeatKey};
use super::outlet::Said;
use super::wheel::Wheel;
use crate::hub::Hub;
use crate::limits::{COMMANDS_PER_TURN_MAX, EVENTS_PER_TURN_MAX, READ_BUFFER_BYTES};
use crate::websocket::deflate::Deflater;

/// Of the mailbox. Connections have their keys.
pub(super) const WAKE: Token = Token(usize::MAX);

pub(super) struct Shard {
    number: usize,
    poll: Poll,
    mailbox: Arc<Mailbox>,
    commands: mpsc::Receiver<Command>,
    hub: Arc<Hub>,
    connections: Slab<Connection>,
    audiences: Slab<Audience>,
    /// The audience of an item, by where its shared part lies.
    audience_of: HashMap<usize, u32>,
    wheel: Wheel,
    /// For connections and seats.
    serials: u32,
    /// Connections that something is to be written to in this turn.
    touched: Vec<u32>,
    /// Audiences that something may be new for.
    to_show: Vec<u32>,
    /// Audiences of which somebody has caught up.
    progressed: Vec<u32>,
    draining: Option<Draining>,
    /// How many connections want compressed messages.
    deflating: usize,
    deflater: Deflater,
    batch: Batch,
    scratch: Vec<u8>,
    buffer: Box<[u8]>,
}

impl Shard {
    pub(super) fn new(
        number: usize,
        poll: Poll,
        (mailbox, commands): (Arc<Mailbox>, mpsc::Receiver<Command>),
        hub: Arc<Hub>,
    ) -> Self {
        Self {
            number,
            poll,
            mailbox,
            commands,
            hub,
            connections: Slab::new(),
            audiences: Slab::new(),
            audience_of: HashMap::new(),
            wheel: Wheel::new(Instant::now()),
            serials: 0,
            touched: Vec::new(),
            to_show: Vec::new(),
            progressed: Vec::new(),
            draining: None,
            deflating: 0,
            deflater: Deflater::new(),
            batch: Batch::default(),
            scratch: Vec::new(),
            buffer: vec![0; READ_BUFFER_BYTES].into(),
        }
    }

    /// Returns when it has been drained.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS_PER_TURN_MAX);
        let mut has_more = false;
        while !self.is_drained() {
            let patience = if has_more { Duration::ZERO } else { self.wheel.patience(Instant::now()) };
            match self.poll.poll(&mut events, Some(patience)) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return error!(%error, "a shard cannot wait for its connections"),
            }
            events.iter().filter(|event| event.token() != WAKE).for_each(|event| self.stir(event));
            self.mailbox.looks();
            has_more = self.obey_some();
            self.show_all();
            self.write_to_touched();
            self.pass_time(Instant::now());
            self.write_to_touched();
            self.note_all_progress();
            has_more |= !self.to_show.is_empty();
        }
    }

    /// A connection can be read or written.
    fn stir(&mut self, event: &Event) {
        let Ok(key) = u32::try_from(event.token().0) else { return };
        if event.is_writable() {
            self.unblock(key);
        }
        if event.is_readable() || event.is_error() {
            self.hear(key);
        }
    }

    /// True: there may be more.
    fn obey_some(&mut self) -> bool {
        for _ in 0..COMMANDS_PER_TURN_MAX {
            let Ok(command) = self.commands.try_recv() else { return false };
            self.obey(command);
        }
        true
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Adopt(newcomer) => self.adopt(*newcomer),
            Command::Tell(seat, frame, waiting) => {
                if let Some(connection) = self.with_seat(seat) {
                    connection.say(Said::Counted { frame, seat: seat.serial, _waiting: waiting });
                    self.touched.push(seat.connection);
                }
            }
            Command::GoLive(seat, from, position) => self.go_live(seat, from, position),
            Command::Close(seat, why) => self.close_seat(seat, why),
            Command::CloseAll(shared, why) => self.close_all(&shared, why),
            Command::Show(shared) => {
                shared.ring.looks(self.number);
                self.to_show.extend(self.find_audience(&shared));
            }
            Command::Unblocked(key, serial) => {
                if self.connections.get(key as usize).is_some_and(|connection| connection.serial == serial) {
                    self.unblock(key);
                }
            }
            Command::Drain(over, done) => self.drain(over, done),
        }
    }

    fn seat(&self, connection: u32, serial: u32) -> SeatKey {
        SeatKey { shard: self.number, connection, serial }
    }

    fn next_serial(&mut self) -> u32 {
        self.serials = self.serials.wrapping_add(1);
        self.serials
    }
}

/// Keys are indexes of slabs, which never have four billion entries.
fn small(key: usize) -> u32 {
    u32::try_from(key).expect("a key has 32 bits")
}
