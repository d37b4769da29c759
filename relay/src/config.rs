//! The settings, from environment variables.

use std::env;

use anyhow::{Context, Result, ensure};

use crate::origins::Origins;
use crate::{limits, open_files};

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
            handshakes_max: open_files::handshakes_max(),
        })
    }
}

fn connections_max() -> Result<usize> {
    let Some(text) = variable("RELAY_CONNECTIONS_MAX") else {
        return Ok(open_files::viewers_possible().min(limits::CONNECTIONS_MAX));
    };
    let wanted: usize = text.parse().with_context(|| format!("RELAY_CONNECTIONS_MAX={text}: expected a number"))?;
    ensure!(wanted > 0, "RELAY_CONNECTIONS_MAX=0: expected at least 1");
    let possible = open_files::viewers_possible();
    ensure!(
        wanted <= possible,
        "RELAY_CONNECTIONS_MAX={wanted}: the limit on open files allows {possible} viewers; raise it (ulimit -n)"
    );
    Ok(wanted)
}

#[expect(clippy::disallowed_methods, reason = "this is config.rs")]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
