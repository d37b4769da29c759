//! The settings, from environment variables.

use std::env;
use std::num::NonZero;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::origins::Origins;
use crate::{limits, open_files};

/// What becomes of a viewer that is slower than the item's ring is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlowViewers {
    /// `conflate`: a snapshot takes the place of what it missed.
    Conflate,
    /// `close`: it is closed, and told to come back.
    Close,
}

#[derive(Clone, Debug)]
pub struct Config {
    /// `RELAY_ADDR`: where to listen.
    pub address: String,
    /// `REDIS_URL`
    pub redis_url: String,
    /// `NATS_URL`
    pub nats_url: String,
    /// `RELAY_ORIGINS`: whose pages may connect, a list with commas. Pages of this machine always may.
    pub origins: Origins,
    /// `RELAY_CONNECTIONS_MAX`: how many viewers at most. By default what the limit on open files allows.
    pub connections_max: usize,
    /// `RELAY_CONNECTIONS_OF_ADDRESS_MAX`: how many viewers of one address. By default any number, since behind a load
    /// balancer all come from few.
    pub connections_of_address_max: Option<usize>,
    /// `RELAY_SHARDS`: threads that write to viewers. By default one for each processor.
    pub shards: usize,
    /// `RELAY_SPREAD_ABOVE`: so many viewers of an item stay in one shard.
    pub spread_above: usize,
    /// `RELAY_RING_FRAMES`: the last frames of an item that a slow viewer can be behind.
    pub ring_frames: usize,
    /// `RELAY_SLOW_VIEWERS`: what becomes of one that is further behind.
    pub slow_viewers: SlowViewers,
    /// `RELAY_SUBSCRIBERS_S`: between two frames that tell an item's viewers how many they are. `None`, 0: they are not.
    pub subscribers_interval: Option<Duration>,
    /// `RELAY_DRAIN_S`: over how many seconds viewers are told to come back when the relay stops.
    pub drain: Duration,
    /// `RELAY_COMPRESSION`: whether clients may ask for compressed messages.
    pub compression: bool,
    /// Whether `/` says everything back, for the conformance test. No variable.
    pub has_echo: bool,
    /// How many connections at most that are no viewers'. No variable: it follows from the limit on open files.
    pub handshakes_max: usize,
}

impl Config {
    pub fn from_env() -> Result<Self> {
        let text = |name: &str, default: &str| variable(name).unwrap_or_else(|| default.to_owned());
        let origins = text("RELAY_ORIGINS", "");
        Ok(Self {
            address: text("RELAY_ADDR", "127.0.0.1:8081"),
            redis_url: text("REDIS_URL", "redis://127.0.0.1:6379"),
            nats_url: text("NATS_URL", "nats://127.0.0.1:4222"),
            origins: Origins::parse(&origins).with_context(|| format!("RELAY_ORIGINS={origins}"))?,
            connections_max: connections_max()?,
            connections_of_address_max: number("RELAY_CONNECTIONS_OF_ADDRESS_MAX", 1)?,
            shards: number("RELAY_SHARDS", 1)?.unwrap_or_else(processors),
            spread_above: number("RELAY_SPREAD_ABOVE", 1)?.unwrap_or(limits::SPREAD_ABOVE),
            ring_frames: number("RELAY_RING_FRAMES", limits::RING_FRAMES)?.unwrap_or(limits::RING_FRAMES),
            slow_viewers: slow_viewers()?,
            subscribers_interval: seconds("RELAY_SUBSCRIBERS_S", limits::SUBSCRIBERS_INTERVAL)?,
            drain: seconds("RELAY_DRAIN_S", limits::DRAIN)?.unwrap_or_default(),
            compression: compression()?,
            has_echo: false,
            handshakes_max: open_files::handshakes_max(),
        })
    }
}

fn connections_max() -> Result<usize> {
    let Some(wanted) = number("RELAY_CONNECTIONS_MAX", 1)? else {
        return Ok(open_files::viewers_possible().min(limits::CONNECTIONS_MAX));
    };
    let possible = open_files::viewers_possible();
    ensure!(
        wanted <= possible,
        "RELAY_CONNECTIONS_MAX={wanted}: the limit on open files allows {possible} viewers; raise it (ulimit -n)"
    );
    Ok(wanted)
}

fn number(name: &str, least: usize) -> Result<Option<usize>> {
    let Some(text) = variable(name) else { return Ok(None) };
    let number = text.parse().with_context(|| format!("{name}={text}: expected a number"))?;
    ensure!(number >= least, "{name}={number}: expected at least {least}");
    Ok(Some(number))
}

/// `None`: 0.
fn seconds(name: &str, default: Duration) -> Result<Option<Duration>> {
    let duration = number(name, 0)?.map_or(default, |seconds| Duration::from_secs(seconds as u64));
    Ok(Some(duration).filter(|duration| !duration.is_zero()))
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).min(limits::SHARDS_MAX)
}

fn compression() -> Result<bool> {
    match variable("RELAY_COMPRESSION").as_deref() {
        None | Some("off") => Ok(false),
        Some("on") => Ok(true),
        Some(other) => bail!("RELAY_COMPRESSION={other}: expected on or off"),
    }
}

fn slow_viewers() -> Result<SlowViewers> {
    match variable("RELAY_SLOW_VIEWERS").as_deref() {
        None | Some("conflate") => Ok(SlowViewers::Conflate),
        Some("close") => Ok(SlowViewers::Close),
        Some(other) => bail!("RELAY_SLOW_VIEWERS={other}: expected conflate or close"),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is config.rs")]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
