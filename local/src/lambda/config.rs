//! How sandboxes are treated: environment variables, each with a default for one machine.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::config::variable;
use crate::settings::Settings;

/// Sandboxes of one function. Lambda's own bound is 1,000 for an account; each takes some 8 MiB here.
const SANDBOXES_MAX: &str = "50";
/// Events that wait for a sandbox of one function.
const QUEUE_MAX: &str = "10000";
/// Lambda keeps an idle sandbox for some minutes.
const IDLE_MS: &str = "300000";

#[derive(Clone, Debug)]
pub(super) struct Config {
    /// `SANDBOX_MAX`: sandboxes of one function at once. A lower `ReservedConcurrentExecutions` in the template wins.
    pub(super) sandboxes_max: usize,
    /// `SANDBOX_QUEUE_MAX`: events that wait while all of them are busy; 0 answers 429 at once, as Lambda does.
    pub(super) queue_max: usize,
    /// `SANDBOX_IDLE_MS`: an idle sandbox is ended after this time; 0 makes every start a cold one.
    pub(super) idle: Duration,
    /// `SANDBOX_PROVISIONED`: sandboxes of each function kept ready, instead of what the template says.
    pub(super) provisioned: Option<usize>,
    /// `SANDBOX_CONCURRENCY`: events in one sandbox at once, as on Lambda Managed Instances. Above 1 nothing is frozen.
    pub(super) concurrency: usize,
    /// `SANDBOX_FREEZE`: false lets idle sandboxes run on, which Lambda does not.
    pub(super) freezes: bool,
    /// `QUEUE_FAULTS`: every so many messages of a queue one fails, and others come twice and in the wrong order.
    pub(super) queue_faults: Option<NonZeroU64>,
    /// `AWS_ENDPOINT_URL_SQS`: where the queues are, if not at `LOCALSTACK_ADDR`.
    pub(super) sqs_url: String,
    /// `SANDBOX_REPORTS`: the file that gets a line for each invocation.
    pub(super) reports: PathBuf,
}

impl Config {
    pub(super) fn from_env(settings: &Settings) -> Result<Self> {
        let concurrency = setting("SANDBOX_CONCURRENCY", "1")?;
        let config = Self {
            sandboxes_max: setting("SANDBOX_MAX", SANDBOXES_MAX)?,
            queue_max: setting("SANDBOX_QUEUE_MAX", QUEUE_MAX)?,
            idle: Duration::from_millis(setting("SANDBOX_IDLE_MS", IDLE_MS)?),
            provisioned: variable("SANDBOX_PROVISIONED").map(|text| parse("SANDBOX_PROVISIONED", &text)).transpose()?,
            concurrency,
            freezes: setting("SANDBOX_FREEZE", "true")? && concurrency == 1,
            queue_faults: variable("QUEUE_FAULTS").map(|text| parse("QUEUE_FAULTS", &text)).transpose()?,
            sqs_url: variable("AWS_ENDPOINT_URL_SQS").unwrap_or_else(|| settings.addresses.sqs_url()),
            reports: variable("SANDBOX_REPORTS").map_or_else(|| settings.report_file(), PathBuf::from),
        };
        ensure!(config.sandboxes_max > 0, "SANDBOX_MAX=0 leaves nobody to answer");
        ensure!(config.concurrency > 0, "SANDBOX_CONCURRENCY=0 leaves nobody to answer");
        Ok(config)
    }
}

fn setting<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(name: &str, default: &str) -> Result<T> {
    parse(name, &variable(name).unwrap_or_else(|| default.to_owned()))
}

fn parse<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(name: &str, text: &str) -> Result<T> {
    text.parse().with_context(|| format!("the environment variable {name} is {text:?}"))
}
