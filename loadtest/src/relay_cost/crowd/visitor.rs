//! A viewer that wants in, and tries again until it is.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use rand::RngExt;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};

use crate::relay_cost::door::{self, Door, Greeting};
use crate::relay_cost::frames::FrameCounter;

/// Who is not in by then never will be.
const DEADLINE: Duration = Duration::from_secs(60);
/// Before somebody who was turned away knocks again.
const AGAIN_AFTER_MS: std::ops::Range<u64> = 50..150;
/// What comes before the number of milliseconds, in the reason of a close frame.
const HINT: &[u8] = b"come back in ";

pub(super) struct Visitor {
    stream: TcpStream,
    counter: FrameCounter,
    /// From the beginning until it was in and had all that it had missed.
    pub(super) after: Duration,
    /// How often it was turned away before.
    pub(super) refused: u32,
}

impl Visitor {
    /// `missed`: messages that the server brings after its greeting. `wait` is what it was told to wait before it comes.
    pub(super) async fn come(door: &Door, missed: u32, wait: Duration) -> Result<Self> {
        sleep(wait).await;
        let begun_at = Instant::now();
        let ends_at = begun_at + DEADLINE;
        let mut refused = 0;
        loop {
            let attempt = timeout_at(ends_at, attempt(door, missed)).await.context("it never came in")?;
            if let Ok((stream, counter)) = attempt {
                return Ok(Self { stream, counter, after: begun_at.elapsed(), refused });
            }
            refused += 1;
            let again = Duration::from_millis(rand::rng().random_range(AGAIN_AFTER_MS));
            timeout_at(ends_at, sleep(again)).await.with_context(|| format!("turned away {refused} times"))?;
        }
    }

    pub(super) async fn see(&mut self, messages: u32) -> Result<()> {
        read_messages(&mut self.stream, &mut self.counter, messages).await
    }

    /// Returns when the server has hung up: what it said of when to come back.
    pub(super) async fn told_to_leave(mut self) -> Result<Option<Duration>> {
        let (mut last_words, mut buffer) = (Vec::new(), [0; 2048]);
        loop {
            match self.stream.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(read) => {
                    last_words.extend_from_slice(&buffer[..read]);
                    last_words.drain(..last_words.len().saturating_sub(buffer.len()));
                }
            }
        }
        let Some(at) = last_words.windows(HINT.len()).position(|window| window == HINT) else { return Ok(None) };
        let digits = last_words[at + HINT.len()..].split(|byte| !byte.is_ascii_digit()).next();
        let ms = std::str::from_utf8(digits.unwrap_or_default())?.parse()?;
        Ok(Some(Duration::from_millis(ms)))
    }
}

async fn attempt(door: &Door, missed: u32) -> Result<(TcpStream, FrameCounter)> {
    let mut stream = door::connect(door).await?;
    let (mut counter, seen) = door::enter_over(&mut stream, door).await?;
    let greeting = u32::from(matches!(door.greeting, Greeting::Message));
    read_messages(&mut stream, &mut counter, (greeting + missed).saturating_sub(seen)).await?;
    Ok((stream, counter))
}

async fn read_messages(stream: &mut TcpStream, counter: &mut FrameCounter, messages: u32) -> Result<()> {
    let (mut seen, mut buffer) = (0, [0; 2048]);
    while seen < messages {
        match stream.read(&mut buffer).await? {
            0 => bail!("the server hung up"),
            read => seen += counter.feed(&buffer[..read]).messages,
        }
    }
    Ok(())
}
