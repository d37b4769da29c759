//! The loop of one reading thread.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_linger;

use super::{Arrival, Command, Tally};
use crate::relay_cost::door::Viewer;
use crate::relay_cost::frames::{PONG, Seen, from_client};

/// Events that are taken from the kernel at once.
const EVENTS: usize = 256;
/// What is read at once: a burst of messages fits.
const BUFFER_BYTES: usize = 64 * 1024;
/// Stands for the bell among the viewers' numbers.
const BELL: u64 = u64::MAX;

pub(super) struct Reading {
    epoll: OwnedFd,
    bell: Arc<OwnedFd>,
    orders: Receiver<Command>,
    reports: SyncSender<Tally>,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
    /// Messages for each viewer.
    expected: u32,
    /// Messages that have not come, over all viewers that are left.
    missing: u64,
    is_told: bool,
    tally: Tally,
}

struct Connection {
    viewer: Viewer,
    /// Of the expected messages.
    received: u32,
    is_closed: bool,
}

impl Reading {
    pub(super) fn new(
        viewers: Vec<Viewer>,
        bell: Arc<OwnedFd>,
        orders: Receiver<Command>,
        reports: SyncSender<Tally>,
    ) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &*bell, epoll::EventData::new_u64(BELL), epoll::EventFlags::IN)?;
        for (number, viewer) in viewers.iter().enumerate() {
            let data = epoll::EventData::new_u64(number as u64);
            epoll::add(&epoll, &viewer.stream, data, epoll::EventFlags::IN)?;
        }
        let connections: Vec<_> =
            viewers.into_iter().map(|viewer| Connection { viewer, received: 0, is_closed: false }).collect();
        let (buffer, tally) = (vec![0; BUFFER_BYTES], Tally::default());
        Ok(Self { epoll, bell, orders, reports, connections, buffer, expected: 0, missing: 0, is_told: true, tally })
    }

    pub(super) fn run(mut self) -> Result<()> {
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in events.drain(..) {
                match event.data.u64() {
                    BELL => {
                        if self.obey()? {
                            return self.hang_up();
                        }
                    }
                    number => self.read(number as usize)?,
                }
            }
        }
    }

    /// True: the work is done.
    fn obey(&mut self) -> Result<bool> {
        // It counts how often it was rung.
        let _ = rustix::io::read(&*self.bell, &mut [0; 8]);
        while let Ok(command) = self.orders.try_recv() {
            match command {
                Command::Expect(messages) => self.expect(messages)?,
                Command::Report if self.is_told => {}
                Command::Report => self.tell()?,
                Command::Stop => return Ok(true),
            }
        }
        Ok(false)
    }

    fn expect(&mut self, messages: u32) -> Result<()> {
        self.reports.send(Tally::default())?;
        self.expected = messages;
        let mut left = 0;
        for connection in self.connections.iter_mut().filter(|connection| !connection.is_closed) {
            connection.received = 0;
            left += 1;
        }
        self.missing = u64::from(messages) * left;
        // Room for all, so that nothing is moved while the clock runs.
        let arrivals = Vec::with_capacity(usize::try_from(self.missing)?);
        self.tally = Tally { arrivals, bytes: 0, unexpected: self.tally.unexpected, closed: self.tally.closed };
        self.is_told = false;
        if self.missing == 0 { self.tell() } else { Ok(()) }
    }

    fn tell(&mut self) -> Result<()> {
        self.is_told = true;
        let closed = self.tally.closed;
        Ok(self.reports.send(std::mem::replace(&mut self.tally, Tally { closed, ..Tally::default() }))?)
    }

    fn read(&mut self, number: usize) -> Result<()> {
        let Connection { viewer, received, is_closed } = &mut self.connections[number];
        let read = match viewer.stream.read(&mut self.buffer) {
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return Ok(()),
            // A connection that was reset is at its end.
            Err(_) => 0,
        };
        let at = Instant::now();
        let Seen { messages, pings, is_closing } = viewer.counter.feed(&self.buffer[..read]);
        for ping in pings {
            // Who cannot take 131 bytes is about to be closed.
            let _ = viewer.stream.write(&from_client(PONG, &ping));
        }
        let wanted = if self.is_told { 0 } else { messages.min(self.expected - *received) };
        *received += wanted;
        self.missing -= u64::from(wanted);
        self.tally.unexpected += u64::from(messages - wanted);
        self.tally.bytes += read as u64;
        if wanted > 0 {
            self.tally.arrivals.push(Arrival { at, messages: wanted });
        }
        if read == 0 || is_closing {
            *is_closed = true;
            self.tally.closed += 1;
            self.missing -= if self.is_told { 0 } else { u64::from(self.expected - *received) };
            epoll::delete(&self.epoll, &viewer.stream)?;
        }
        if self.missing == 0 && !self.is_told { self.tell() } else { Ok(()) }
    }

    /// With a reset: ten thousand connections that wait for the last words of the other side would be in the way of the
    /// next server's.
    fn hang_up(self) -> Result<()> {
        for Connection { viewer, .. } in self.connections {
            set_socket_linger(&viewer.stream, Some(Duration::ZERO))?;
        }
        Ok(())
    }
}
