//! Settings, each an environment variable with a default for one machine.

use std::{num::NonZeroUsize, str::FromStr, time::Duration};

use anyhow::{Context, bail};
use aws_sdk_sqs::config::Credentials;
use axum::http::HeaderValue;

#[derive(Clone, Debug)]
pub struct Config {
    /// `REDIS_URL`
    pub redis_url: String,
    /// `NATS_URL`
    pub nats_url: String,
    /// `POSTGRES_URL`, which the route that reads the archive parses.
    pub postgres_url: String,
    /// `ALLOW_UNLISTED_ITEMS`: an item that nobody created can be bid on.
    pub unlisted_items_allowed: bool,
    /// `CORS_ORIGINS`, a comma list: pages of these origins may call the interface.
    pub cors_origins: Vec<HeaderValue>,
    /// `PUBLISH_DEADLINE_MS`: how long a bid waits at most for its event to leave for NATS.
    pub publish_deadline: Duration,
    /// `LOG_KEPT`: how many events the log of each item keeps in Redis, where a function archives them.
    pub log_kept: NonZeroUsize,
    /// `ARCHIVE`: `nats` has JetStream bring events to the archive, `sqs` the queue that these settings name.
    pub queue: Option<QueueConfig>,
}

/// The archive's queue.
#[derive(Clone, Debug)]
pub struct QueueConfig {
    /// `BID_EVENTS_QUEUE_URL`
    pub url: String,
    /// `AWS_ENDPOINT_URL_SQS`: where SQS is, if not where AWS has it.
    pub endpoint: Option<String>,
    /// `AWS_REGION`
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`
    pub credentials: Credentials,
    /// `QUEUE_DEADLINE_MS`: how long a bid waits at most for its event to be in the queue.
    pub deadline: Duration,
}

impl Config {
    pub fn from_env() -> anyhow::Result<Self> {
        Ok(Self {
            redis_url: setting("REDIS_URL", "redis://127.0.0.1:6379")?,
            nats_url: setting("NATS_URL", "nats://127.0.0.1:4222")?,
            postgres_url: setting("POSTGRES_URL", "postgres://bidding@127.0.0.1:5432/bidding")?,
            unlisted_items_allowed: setting("ALLOW_UNLISTED_ITEMS", "true")?,
            cors_origins: origins(&setting::<String>("CORS_ORIGINS", "http://127.0.0.1:8081,http://localhost:8081")?)?,
            publish_deadline: Duration::from_millis(setting("PUBLISH_DEADLINE_MS", "5")?),
            log_kept: setting("LOG_KEPT", "1000")?,
            queue: QueueConfig::from_env()?,
        })
    }
}

impl QueueConfig {
    fn from_env() -> anyhow::Result<Option<Self>> {
        match setting::<String>("ARCHIVE", "nats")?.as_str() {
            "nats" => Ok(None),
            "sqs" => Ok(Some(Self {
                url: needed("BID_EVENTS_QUEUE_URL")?,
                endpoint: variable("AWS_ENDPOINT_URL_SQS"),
                region: needed("AWS_REGION")?,
                credentials: credentials()?,
                deadline: Duration::from_millis(setting("QUEUE_DEADLINE_MS", "100")?),
            })),
            other => bail!("the environment variable ARCHIVE is {other:?}, which is neither nats nor sqs"),
        }
    }
}

/// Those of the sandbox, which do not change while it lives.
fn credentials() -> anyhow::Result<Credentials> {
    let (key, secret) = (needed("AWS_ACCESS_KEY_ID")?, needed("AWS_SECRET_ACCESS_KEY")?);
    Ok(Credentials::new(key, secret, variable("AWS_SESSION_TOKEN"), None, "environment"))
}

/// `API_ADDR`: where the one-process server listens.
pub fn api_address() -> anyhow::Result<String> {
    setting("API_ADDR", "127.0.0.1:8080")
}

/// Whether the process was started by Lambda, or by something that speaks its Runtime API.
pub fn is_lambda() -> bool {
    variable("AWS_LAMBDA_RUNTIME_API").is_some()
}

fn needed(name: &str) -> anyhow::Result<String> {
    variable(name).with_context(|| format!("the environment variable {name} is missing"))
}

fn setting<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(name: &str, default: &str) -> anyhow::Result<T> {
    let value = variable(name).unwrap_or_else(|| default.to_owned());
    value.parse().with_context(|| format!("the environment variable {name} is {value:?}"))
}

#[expect(clippy::disallowed_methods, reason = "settings are read here")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn origins(list: &str) -> anyhow::Result<Vec<HeaderValue>> {
    let parse = |origin: &str| HeaderValue::from_str(origin).with_context(|| format!("CORS_ORIGINS has {origin:?}"));
    list.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(parse).collect()
}
