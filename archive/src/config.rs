//! The worker's settings: environment variables, each with the default of one machine.

use std::{env, net::SocketAddr, num::NonZeroUsize, str::FromStr};

use anyhow::{Context, Result, bail};
use async_nats::ServerAddr;

use crate::PostgresUrl;

#[derive(Clone, Debug)]
pub struct Config {
    /// `REDIS_URL`
    pub redis_url: String,
    /// `NATS_URL`
    pub nats: ServerAddr,
    /// `POSTGRES_URL`, and not `DATABASE_URL`, which the macros of sqlx read when they are compiled.
    pub postgres: PostgresUrl,
    /// `MIGRATIONS_POSTGRES_URL`: the same database as its owner, who alone may change tables. By default `POSTGRES_URL`.
    pub migrations: PostgresUrl,
    /// `WORKER_ADDR`: where health, readiness and metrics are served.
    pub worker_addr: SocketAddr,
    /// `LOG_KEPT`: how many events the log of each item keeps in Redis. Older ones are in PostgreSQL only.
    pub log_kept: NonZeroUsize,
    /// `ARCHIVE`: who brings events to PostgreSQL.
    pub transport: Transport,
    /// `REOPEN_UNVERIFIED`: whether a restarted Redis may judge bids while PostgreSQL cannot tell what it has lost.
    pub reopens_unverified: bool,
}

/// Who brings events to PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// The worker, from JetStream.
    JetStream,
    /// The function `archive-bids`, from its queue. The worker keeps Redis open, and brings what the queue did not.
    Sqs,
}

impl FromStr for Transport {
    type Err = UnknownTransport;

    fn from_str(text: &str) -> Result<Self, UnknownTransport> {
        match text {
            "nats" => Ok(Self::JetStream),
            "sqs" => Ok(Self::Sqs),
            _ => Err(UnknownTransport),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("neither nats nor sqs")]
pub struct UnknownTransport;

impl Config {
    pub fn from_env() -> Result<Self> {
        let postgres = parsed("POSTGRES_URL", "postgres://bidding@127.0.0.1:5432/bidding")?;
        Ok(Self {
            redis_url: variable("REDIS_URL", "redis://127.0.0.1:6379")?,
            nats: parsed("NATS_URL", "nats://127.0.0.1:4222")?,
            migrations: migrations(&postgres)?,
            postgres,
            worker_addr: parsed("WORKER_ADDR", "127.0.0.1:8082")?,
            log_kept: parsed("LOG_KEPT", "1000")?,
            transport: parsed("ARCHIVE", "nats")?,
            reopens_unverified: parsed("REOPEN_UNVERIFIED", "false")?,
        })
    }
}

fn migrations(postgres: &PostgresUrl) -> Result<PostgresUrl> {
    const NAME: &str = "MIGRATIONS_POSTGRES_URL";
    match variable(NAME, "")?.as_str() {
        "" => Ok(postgres.clone()),
        url => url.parse().with_context(|| format!("{NAME} must look like postgres://bidding@127.0.0.1:5432/bidding")),
    }
}

/// The value itself is not repeated in an error: a URL may hold a password.
fn parsed<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(name: &str, default: &str) -> Result<T> {
    variable(name, default)?.parse().with_context(|| format!("{name} must look like {default}"))
}

#[expect(clippy::disallowed_methods, reason = "this is config.rs")]
fn variable(name: &str, default: &str) -> Result<String> {
    match env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value),
        Ok(_) | Err(env::VarError::NotPresent) => Ok(default.to_owned()),
        Err(env::VarError::NotUnicode(_)) => bail!("{name} is not UTF-8"),
    }
}
