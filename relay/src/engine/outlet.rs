//! Where a viewer's frames go: a WebSocket, or a stream of Server-Sent Events.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;

use bytes::Bytes;
use mio::net::TcpStream;

use super::batch::{Batch, Taken};
use super::mailbox::Waiting;
use super::stream::{Stream, Streamed};
use crate::closing::Closing;
use crate::frame::Frame;
use crate::limits::BATCH_BYTES_MAX;
use crate::websocket;

pub(crate) enum Outlet {
    /// `deflates`: compressed messages were agreed on.
    Socket {
        socket: TcpStream,
        deflates: bool,
    },
    Stream(Stream),
}

/// What is said to one viewer alone.
pub(crate) enum Said {
    Frame(Frame),
    /// Counted as long as it waits.
    Counted {
        frame: Frame,
        /// The seat that it is for.
        seat: u32,
        _waiting: Waiting,
    },
    /// A frame of the WebSocket protocol, ready to be written.
    Bytes(Bytes),
    /// Of a frame that was begun: nothing else can be said before.
    Rest(Bytes),
    Ping,
    /// `retry_after_ms`
    Close(Closing, u32),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gone;

impl Outlet {
    pub(super) fn give_batch(&mut self, batch: &Batch) -> Result<Taken, Gone> {
        match self {
            Self::Socket { socket, deflates: false } => write(socket, batch.bytes()).map(Taken::Bytes),
            Self::Socket { socket, deflates: true } => write(socket, batch.deflated()).map(Taken::Deflated),
            Self::Stream(stream) => {
                for (count, frame) in batch.frames().iter().enumerate() {
                    if !stream.send(Streamed::Frame(frame.clone()))? {
                        return Ok(Taken::Frames(count));
                    }
                }
                Ok(Taken::Frames(batch.frames().len()))
            }
        }
    }

    /// Gives what waits, in order. False: not everything was taken.
    pub(super) fn give(&mut self, said: &mut VecDeque<Said>, scratch: &mut Vec<u8>) -> Result<bool, Gone> {
        match self {
            Self::Socket { socket, .. } => {
                while !said.is_empty() {
                    if !write_some(socket, said, scratch)? {
                        return Ok(false);
                    }
                }
            }
            Self::Stream(stream) => {
                while let Some(next) = said.pop_front() {
                    if !next.streamed().map_or(Ok(true), |streamed| stream.send(streamed))? {
                        said.push_front(next);
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// `None`: nothing more can be read now.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<Option<usize>, Gone> {
        let Self::Socket { socket, .. } = self else { return Ok(None) };
        loop {
            match socket.read(into) {
                Ok(0) => return Err(Gone),
                Ok(count) => return Ok(Some(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Gone),
            }
        }
    }

    /// Some number that spreads connections.
    pub(super) fn number(&self) -> u64 {
        match self {
            Self::Socket { socket, .. } => u64::from(socket.as_raw_fd().unsigned_abs()),
            Self::Stream(_) => 0,
        }
    }

    pub(super) fn deflates(&self) -> bool {
        matches!(self, Self::Socket { deflates: true, .. })
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Stream(stream) if stream.is_gone())
    }

    /// Nothing more will be said. True: the viewer has yet to hang up.
    pub(super) fn shut(&self) -> bool {
        match self {
            Self::Socket { socket, .. } => socket.shutdown(Shutdown::Write).is_ok(),
            Self::Stream(_) => false,
        }
    }
}

/// Writes from the front, and leaves what was not taken.
fn write_some(socket: &mut TcpStream, said: &mut VecDeque<Said>, scratch: &mut Vec<u8>) -> Result<bool, Gone> {
    scratch.clear();
    let mut wires = Vec::new();
    for next in said.iter() {
        if !scratch.is_empty() && scratch.len() >= BATCH_BYTES_MAX {
            break;
        }
        let wire = next.wire();
        scratch.extend_from_slice(&wire);
        wires.push(wire);
    }
    let mut written = write(socket, scratch)?;
    let takes_all = written == scratch.len();
    for wire in wires {
        if written < wire.len() {
            if written > 0 {
                said[0] = Said::Rest(wire.slice(written..));
            }
            break;
        }
        written -= wire.len();
        said.pop_front();
    }
    Ok(takes_all)
}

/// How much was taken.
fn write(socket: &mut TcpStream, bytes: &[u8]) -> Result<usize, Gone> {
    loop {
        match socket.write(bytes) {
            Ok(count) => return Ok(count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Err(Gone),
        }
    }
}

impl Said {
    /// As bytes of the WebSocket protocol.
    fn wire(&self) -> Bytes {
        match self {
            Self::Frame(frame) | Self::Counted { frame, .. } => frame.bytes().clone(),
            Self::Bytes(bytes) | Self::Rest(bytes) => bytes.clone(),
            Self::Ping => websocket::ping(),
            Self::Close(why, retry_after_ms) => websocket::close(*why, *retry_after_ms),
        }
    }

    fn streamed(&self) -> Option<Streamed> {
        match self {
            Self::Frame(frame) | Self::Counted { frame, .. } => Some(Streamed::Frame(frame.clone())),
            Self::Bytes(_) | Self::Rest(_) => None,
            Self::Ping => Some(Streamed::Ping),
            Self::Close(why, retry_after_ms) => Some(Streamed::Close(*why, *retry_after_ms)),
        }
    }
}
