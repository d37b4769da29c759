//! A client that means harm: one attack after another, each over a connection of its own, for as long as it is left.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::relay_cost::door::{self, Door};
use crate::relay_cost::frames::{PING, TEXT, from_client};

/// An attack that is let go on for so long is given up: longer than a handshake may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// Between two attacks.
const BREAK: Duration = Duration::from_millis(500);
/// Between two small steps of an attack that is slow.
const SLOWNESS: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Attack {
    /// Connects, and says nothing.
    HalfOpen,
    /// A request head that never ends, byte by byte.
    Slowloris,
    /// Pings without end, whose answers it does not read.
    PingFlood,
    /// Commands without end.
    CommandFlood,
    /// A frame of a terabyte.
    GiantFrame,
    BadUtf8,
    ReservedBits,
    FragmentedPing,
    /// A frame without a mask.
    Unmasked,
    /// Reads a byte at a time.
    Dripping,
}

/// How often there was each attack, and how often the server ended it.
#[derive(Debug, Default)]
pub(super) struct Attacks(Mutex<BTreeMap<Attack, [u32; 2]>>);

impl Attacks {
    pub(super) fn count(&self) -> BTreeMap<Attack, [u32; 2]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, attack: Attack, is_ended: bool) {
        let mut attacks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [made, ended] = attacks.entry(attack).or_default();
        *made += 1;
        *ended += u32::from(is_ended);
    }
}

/// `first`: where it begins among the attacks.
pub(super) async fn attack(door: Arc<Door>, first: usize, attacks: Arc<Attacks>) -> Infallible {
    let mut number = first;
    loop {
        let attack = Attack::ALL[number % Attack::ALL.len()];
        // Who does not come in has attacked nobody.
        if let Ok(mut stream) = attack.begin(&door).await {
            let ended = timeout(PATIENCE, attack.go_on(&mut stream)).await;
            attacks.add(attack, ended.is_ok());
        }
        sleep(BREAK).await;
        number += 1;
    }
}

impl Attack {
    const ALL: [Self; 10] = [
        Self::HalfOpen,
        Self::Slowloris,
        Self::PingFlood,
        Self::CommandFlood,
        Self::GiantFrame,
        Self::BadUtf8,
        Self::ReservedBits,
        Self::FragmentedPing,
        Self::Unmasked,
        Self::Dripping,
    ];

    /// Comes in, where it needs to be a viewer.
    async fn begin(self, door: &Door) -> Result<TcpStream> {
        let mut stream = door::connect(door).await?;
        match self {
            Self::HalfOpen | Self::Slowloris => {}
            Self::CommandFlood => drop(door::enter_over(&mut stream, &Door::plain(door.address, "/ws")).await?),
            _ => drop(door::enter_over(&mut stream, door).await?),
        }
        Ok(stream)
    }

    /// Returns when the server has ended it.
    async fn go_on(self, stream: &mut TcpStream) -> io::Result<Infallible> {
        match self {
            Self::HalfOpen => {}
            Self::Slowloris => {
                stream.write_all(b"GET / HTTP/1.1\r\nX-Name: ").await?;
                loop {
                    stream.write_all(b"x").await?;
                    sleep(SLOWNESS).await;
                }
            }
            Self::PingFlood => {
                flood(stream, &from_client(PING, &[b'x'; 125]).repeat(50)).await?;
            }
            Self::CommandFlood => {
                let command = br#"{"type":"subscribe","itemId":"an_item_that_nobody_has"}"#;
                flood(stream, &from_client(TEXT, command).repeat(50)).await?;
            }
            Self::GiantFrame => {
                stream.write_all(&[0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4]).await?;
                flood(stream, &[0; 16 * 1024]).await?;
            }
            Self::BadUtf8 => stream.write_all(&from_client(TEXT, b"\xff\xfe")).await?,
            Self::ReservedBits => stream.write_all(&[0xf1, 0x80, 1, 2, 3, 4]).await?,
            Self::FragmentedPing => stream.write_all(&[0x09, 0x80, 1, 2, 3, 4]).await?,
            Self::Unmasked => stream.write_all(&[0x81, 1, b'x']).await?,
            Self::Dripping => {
                while stream.read_u8().await.is_ok() {
                    sleep(SLOWNESS).await;
                }
            }
        }
        until_end(stream).await
    }
}

async fn flood(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<Infallible> {
    loop {
        stream.write_all(bytes).await?;
    }
}

async fn until_end(stream: &mut TcpStream) -> io::Result<Infallible> {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await? > 0 {}
    Err(io::ErrorKind::UnexpectedEof.into())
}
