//! How viewers come in: the WebSocket handshake, and what a server wants to hear or says before the first message.

mod entry;
mod one;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use self::entry::Entry;
pub(super) use self::one::{connect, enter_over};
use super::frames::{Counting, FrameCounter};

#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) address: SocketAddr,
    pub(super) path: String,
    pub(super) greeting: Greeting,
    pub(super) counting: Counting,
    /// A header line that asks for extensions of WebSocket, or nothing.
    pub(super) extensions: &'static str,
}

#[derive(Clone, Debug)]
pub(super) enum Greeting {
    /// A viewer is one from its handshake on.
    None,
    /// The server's first message says that it is.
    Message,
    /// The viewer speaks first, and the answer ends like this.
    Answer { hello: String, end: &'static str },
}

/// A connection and where it is in its frames.
#[derive(Debug)]
pub(super) struct Viewer {
    pub(super) stream: TcpStream,
    pub(super) counter: FrameCounter,
}

/// Handshakes that are under way at once: a server has something to do, and none has a crowd before its door.
const AT_ONCE: usize = 32;
/// For one step of a handshake.
const DEADLINE: Duration = Duration::from_secs(20);
/// Any key does: it only has to be sent back in another form.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What [`KEY`] has to come back as.
pub(super) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

impl Door {
    /// To a server that says nothing first.
    pub(super) fn plain(address: SocketAddr, path: &str) -> Self {
        let path = path.to_owned();
        Self { address, path, greeting: Greeting::None, counting: Counting::Frames, extensions: "" }
    }

    pub(super) fn request(&self) -> String {
        let Self { address, path, extensions, .. } = self;
        format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{extensions}\r\n"
        )
    }
}

/// Brings in so many viewers.
pub(super) fn enter(door: &Door, viewers: usize) -> Result<Vec<Viewer>> {
    let mut entered = Vec::with_capacity(viewers);
    while entered.len() < viewers {
        let batch = AT_ONCE.min(viewers - entered.len());
        let came = entered.len();
        entered.extend(enter_together(door, batch).with_context(|| format!("after {came} viewers"))?);
    }
    Ok(entered)
}

/// A single connection.
pub(super) fn open(address: SocketAddr, path: &str) -> Result<TcpStream> {
    let mut opened = enter_together(&Door::plain(address, path), 1)?;
    Ok(opened.pop().context("one was asked for")?.stream)
}

fn enter_together(door: &Door, batch: usize) -> Result<Vec<Viewer>> {
    let mut streams = Vec::with_capacity(batch);
    for _ in 0..batch {
        let mut stream = TcpStream::connect_timeout(&door.address, DEADLINE).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.write_all(door.request().as_bytes())?;
        streams.push(stream);
    }
    streams.into_iter().map(|stream| greeted(door, stream)).collect()
}

fn greeted(door: &Door, mut stream: TcpStream) -> Result<Viewer> {
    let mut entry = Entry::new(door);
    let mut buffer = [0; 2048];
    while !entry.is_in() {
        match stream.read(&mut buffer).context("no answer to a viewer")? {
            0 => bail!("the server hung up after {:?}", String::from_utf8_lossy(entry.bytes())),
            read => {
                if let Some(hello) = entry.feed(&buffer[..read])? {
                    stream.write_all(&hello)?;
                }
            }
        }
    }
    stream.set_nonblocking(true)?;
    Ok(Viewer { stream, counter: entry.into_counter().0 })
}
