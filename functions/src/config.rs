//! Settings, each an environment variable with a default for one machine.

use std::{str::FromStr, time::Duration};

use anyhow::Context;
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
        })
    }
}

/// `API_ADDR`: where the one-process server listens.
pub fn api_address() -> anyhow::Result<String> {
    setting("API_ADDR", "127.0.0.1:8080")
}

/// Whether the process was started by Lambda, or by something that speaks its Runtime API.
pub fn is_lambda() -> bool {
    variable("AWS_LAMBDA_RUNTIME_API").is_some()
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
