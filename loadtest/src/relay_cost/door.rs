//! How viewers come in: the WebSocket handshake, and what a server wants to hear or says before the first message.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::frames::{Counting, FrameCounter, TEXT, from_client};

#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) address: SocketAddr,
    pub(super) path: String,
    pub(super) greeting: Greeting,
    pub(super) counting: Counting,
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
/// A response's head, or a greeting.
const BYTES_MAX: usize = 16 * 1024;
/// Any key does: it only has to be sent back in another form.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What [`KEY`] has to come back as.
pub(super) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

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
    let door = Door { address, path: path.to_owned(), greeting: Greeting::None, counting: Counting::Frames };
    let mut opened = enter_together(&door, 1)?;
    Ok(opened.pop().context("one was asked for")?.stream)
}

fn enter_together(door: &Door, batch: usize) -> Result<Vec<Viewer>> {
    let mut streams = Vec::with_capacity(batch);
    for _ in 0..batch {
        let mut stream = TcpStream::connect_timeout(&door.address, DEADLINE).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.write_all(request(door).as_bytes())?;
        streams.push(stream);
    }
    let mut entered = Vec::with_capacity(batch);
    for mut stream in streams {
        let first_bytes = read_response(&mut stream).context("the handshake")?;
        if let Greeting::Answer { hello, .. } = &door.greeting {
            stream.write_all(&from_client(TEXT, hello.as_bytes()))?;
        }
        entered.push((stream, first_bytes));
    }
    entered.into_iter().map(|(stream, first_bytes)| greeted(door, stream, first_bytes)).collect()
}

fn request(Door { address, path, .. }: &Door) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
}

/// Returns what came behind the response.
fn read_response(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        read_more(stream, &mut bytes)?;
    };
    let first_bytes = bytes.split_off(end);
    let head = String::from_utf8_lossy(&bytes);
    ensure!(head.starts_with("HTTP/1.1 101 ") && head.contains(ACCEPT), "no handshake, but: {head}");
    Ok(first_bytes)
}

fn greeted(door: &Door, mut stream: TcpStream, mut bytes: Vec<u8>) -> Result<Viewer> {
    let mut counter = FrameCounter::new(door.counting);
    match &door.greeting {
        Greeting::None => drop(counter.feed(&bytes)),
        Greeting::Message => {
            while counter.feed(&std::mem::take(&mut bytes)).messages == 0 {
                read_more(&mut stream, &mut bytes).context("the first message")?;
            }
        }
        Greeting::Answer { end, .. } => {
            while !bytes.ends_with(end.as_bytes()) {
                read_more(&mut stream, &mut bytes).context("the answer to the viewer's hello")?;
            }
        }
    }
    stream.set_nonblocking(true)?;
    Ok(Viewer { stream, counter })
}

fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<()> {
    ensure!(bytes.len() < BYTES_MAX, "too long: {}", String::from_utf8_lossy(&bytes[..200]));
    let mut buffer = [0; 2048];
    match stream.read(&mut buffer)? {
        0 => bail!("the server hung up after {:?}", String::from_utf8_lossy(bytes)),
        read => bytes.extend_from_slice(&buffer[..read]),
    }
    Ok(())
}
