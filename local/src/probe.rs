//! Does a server answer? Each question is asked in the server's own protocol, by hand: a client library or a `psql` for
//! each try would cost more than the start itself.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A server on loopback that needs longer than this for one answer is not ready.
const ANSWER_DEADLINE: Duration = Duration::from_secs(2);

/// An answer of Redis is a word, or an error of a line.
const LINE_BYTES: u64 = 4096;

#[derive(Clone)]
pub(crate) enum Probe {
    /// `PING` is answered `PONG`; a Redis that still reads its log answers `LOADING`. Then visitors are let in, by the
    /// operator with this password, who asks.
    Redis(SocketAddr, String),
    /// `GET` of the path is answered 200.
    Http(SocketAddr, &'static str),
    /// The user and the database exist and a session reaches "ready for query".
    Postgres(SocketAddr),
    /// Somebody accepts connections, nothing more.
    Listening(SocketAddr),
}

impl Probe {
    pub(crate) async fn ask(&self) -> Result<()> {
        let answer = async {
            match self {
                Self::Redis(address, password) => redis(*address, password).await,
                Self::Http(address, path) => http(*address, path).await,
                Self::Postgres(address) => postgres(*address).await,
                Self::Listening(address) => TcpStream::connect(address).await.map(drop).map_err(Into::into),
            }
        };
        tokio::time::timeout(ANSWER_DEADLINE, answer).await.context("no answer in time")?
    }
}

async fn redis(address: SocketAddr, password: &str) -> Result<()> {
    /// What everybody may do without a password.
    const VISITOR: &str = include_str!("../../infra/redis/visitor.acl");
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    let login = format!("AUTH operator {password}");
    let let_in = format!("ACL SETUSER default {}", VISITOR.trim_end());
    for (command, wanted) in [(login.as_str(), "+OK"), ("PING", "+PONG"), (let_in.as_str(), "+OK")] {
        stream.write_all(format!("{command}\r\n").as_bytes()).await?;
        let mut answer = String::new();
        (&mut stream).take(LINE_BYTES).read_line(&mut answer).await?;
        let word = command.split(' ').next().unwrap_or_default();
        ensure!(answer.starts_with(wanted), "{word}: {}", first_line(answer.as_bytes()));
    }
    Ok(())
}

async fn http(address: SocketAddr, path: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer).await?;
    let status = answer.get(..12).unwrap_or_default();
    ensure!(status.starts_with(b"HTTP/1.") && status.ends_with(b" 200"), "GET {path}: {}", first_line(&answer));
    Ok(())
}

async fn postgres(address: SocketAddr) -> Result<()> {
    const PROTOCOL_3_0: u32 = 196_608;
    let parameters = b"user\0bidding\0database\0bidding\0\0";
    let mut startup = Vec::from((8 + parameters.len() as u32).to_be_bytes());
    startup.extend_from_slice(&PROTOCOL_3_0.to_be_bytes());
    startup.extend_from_slice(parameters);
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&startup).await?;
    loop {
        let kind = stream.read_u8().await?;
        let length = stream.read_u32().await?.saturating_sub(4) as usize;
        ensure!(length < 10_000, "not PostgreSQL");
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        match kind {
            b'Z' => break,
            b'E' => bail!("PostgreSQL: {}", String::from_utf8_lossy(&body).replace('\0', " ")),
            _ => {}
        }
    }
    const TERMINATE: &[u8] = &[b'X', 0, 0, 0, 4];
    Ok(stream.write_all(TERMINATE).await?)
}

fn first_line(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer).lines().next().unwrap_or("closed without an answer").to_owned()
}
