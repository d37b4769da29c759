//! What publishes: one connection to each server. A burst is one write, for all servers alike, so that each may make of
//! it what it can.

mod bids;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

pub(super) use self::bids::Bids;
use super::door;
use super::frames::{TEXT, from_client};

/// For one write, and for one answer before the clock starts.
const DEADLINE: Duration = Duration::from_secs(20);

pub(super) struct Publisher {
    stream: TcpStream,
    language: Language,
}

/// How to say "publish this".
pub(super) enum Language {
    /// The floor has its message already, and is told how many are wanted.
    Floor,
    /// A text message over WebSocket.
    WebSocket { message: String },
    /// The body of a POST.
    Http { path: &'static str, message: String },
    /// To a subject of NATS.
    Nats { subject: String, message: String },
    /// To NATS, bids that Redis accepts just before.
    Bids(Bids),
}

impl Publisher {
    pub(super) fn floor(address: SocketAddr, path: &str) -> Result<Self> {
        Ok(Self { stream: door::open(address, path)?, language: Language::Floor })
    }

    pub(super) fn websocket(address: SocketAddr, path: &str, message: String) -> Result<Self> {
        Ok(Self { stream: door::open(address, path)?, language: Language::WebSocket { message } })
    }

    pub(super) fn http(address: SocketAddr, path: &'static str, message: String) -> Result<Self> {
        Ok(Self { stream: connect(address)?, language: Language::Http { path, message } })
    }

    /// `login`: what `CONNECT` needs beside what it always needs, such as `"user":"…"`.
    pub(super) fn nats(address: SocketAddr, login: &str, language: Language) -> Result<Self> {
        let mut stream = connect(address)?;
        let comma = if login.is_empty() { "" } else { "," };
        let connect = format!(r#"CONNECT {{"verbose":false,"pedantic":false,"headers":true{comma}{login}}}"#);
        stream.write_all(format!("{connect}\r\nPING\r\n").as_bytes())?;
        let mut words = Vec::new();
        while !words.ends_with(b"PONG\r\n") {
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).context("NATS does not answer")?;
            words.extend_from_slice(&buffer[..read]);
            let is_error = words.windows(4).any(|window| window == b"-ERR");
            ensure!(read > 0 && !is_error, "NATS says {:?}", String::from_utf8_lossy(&words));
        }
        Ok(Self { stream, language })
    }

    /// The bytes that publish so many messages. Whatever must have happened before has happened when it returns.
    pub(super) async fn prepare(&mut self, messages: u32) -> Result<Vec<u8>> {
        let count = messages as usize;
        Ok(match &mut self.language {
            Language::Floor => vec![u8::try_from(messages)?],
            Language::WebSocket { message } => from_client(TEXT, message.as_bytes()).repeat(count),
            Language::Http { path, message } => {
                let length = message.len();
                format!("POST {path} HTTP/1.1\r\nHost: peer\r\nContent-Length: {length}\r\n\r\n{message}")
                    .repeat(count)
                    .into()
            }
            Language::Nats { subject, message } => {
                format!("PUB {subject} {}\r\n{message}\r\n", message.len()).repeat(count).into()
            }
            Language::Bids(bids) => bids.accept(messages).await?,
        })
    }

    pub(super) fn publish(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("cannot publish")
    }

    /// Takes the answers to what was published, while no clock runs.
    pub(super) fn take_answers(&mut self) -> Result<()> {
        self.stream.set_nonblocking(true)?;
        let mut answers = Vec::new();
        let end = self.stream.read_to_end(&mut answers);
        self.stream.set_nonblocking(false)?;
        let is_open = end.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        ensure!(is_open, "the server hung up on its publisher: {}", String::from_utf8_lossy(&answers));
        if answers.starts_with(b"PING\r\n") {
            self.stream.write_all(b"PONG\r\n")?;
        }
        let is_refused = [&b"HTTP/1.1 4"[..], b"HTTP/1.1 5", b"-ERR"].into_iter().any(|sign| contains(&answers, sign));
        ensure!(!is_refused, "publishing was answered {}", String::from_utf8_lossy(&answers));
        Ok(())
    }
}

fn contains(bytes: &[u8], sign: &[u8]) -> bool {
    bytes.windows(sign.len()).any(|window| window == sign)
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, DEADLINE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    Ok(stream)
}
