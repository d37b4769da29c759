//! A viewer's socket on the floor, and the ways to write to it that the relay could have taken.

use std::io::Write;
use std::net::TcpStream;

use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes, WebSocket};

use crate::relay_cost::frames::from_server;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::relay_cost) enum Way {
    /// Nothing but the sockets
    Sockets,
    /// Each message is given to each viewer's tungstenite
    Through,
    /// Each viewer has a tungstenite, which nothing is given to
    Past,
}

/// With tungstenite's smallest sensible buffer to read into: by default, it is 128 KiB for each viewer.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Some messages, in the forms that somebody takes.
#[derive(Clone)]
pub(super) struct Burst {
    message: Utf8Bytes,
    messages: u8,
    frames: Vec<u8>,
}

pub(super) enum Socket {
    Plain(TcpStream),
    Through(WebSocket<TcpStream>),
    Past(WebSocket<TcpStream>),
}

impl Way {
    pub(in crate::relay_cost) fn name(self) -> &'static str {
        match self {
            Self::Sockets => "sockets",
            Self::Through => "through",
            Self::Past => "past",
        }
    }
}

impl Burst {
    pub(super) fn new(message: &str, messages: u8) -> Self {
        let frames = from_server(message.as_bytes()).repeat(usize::from(messages));
        Self { message: message.into(), messages, frames }
    }
}

impl Socket {
    pub(super) fn new(stream: TcpStream, way: Way) -> Self {
        let websocket = |stream| {
            let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
            WebSocket::from_raw_socket(stream, Role::Server, Some(config))
        };
        match way {
            Way::Sockets => Self::Plain(stream),
            Way::Through => Self::Through(websocket(stream)),
            Way::Past => Self::Past(websocket(stream)),
        }
    }

    /// Who cannot take it has lost it.
    pub(super) fn send(&mut self, burst: &Burst) {
        match self {
            Self::Plain(stream) => drop(stream.write(&burst.frames)),
            Self::Past(websocket) => drop(websocket.get_mut().write(&burst.frames)),
            Self::Through(websocket) => {
                for _ in 0..burst.messages {
                    let _ = websocket.write(Message::Text(burst.message.clone()));
                }
                let _ = websocket.flush();
            }
        }
    }
}
