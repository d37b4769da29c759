//! Does a server answer? Each question is asked in the server's own protocol, by hand: a client library or a `psql` for
//! each try would cost more than the start itself.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A server on loopback that needs longer than this for one answer is not ready.
const ANSWER_DEADLINE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub(crate) enum Probe {
    /// `PING` is answered `PONG`; a Redis that still reads its log answers `LOADING`.
    Redis(SocketAddr),
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
                Self::Redis(address) => redis(*address).await,
                Self::Http(address, path) => http(*address, path).await,
                Self::Postgres(address) => postgres(*address).await,
                Self::Listening(address) => TcpStream::connect(address).await.map(drop).map_err(Into::into),
            }
        };
        tokio::time::timeout(ANSWER_DEADLINE, answer).await.context("no answer in time")?
    }
}

async fn redis(address: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).await?;
    ensure!(answer[..length].starts_with(b"+PONG"), "PING: {}", first_line(&answer[..length]));
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
