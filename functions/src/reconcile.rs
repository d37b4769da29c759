//! What has stayed in the outbox for too long, brought into PostgreSQL: by a schedule, where no archival worker runs, or
//! where it alone is not trusted with it.

use std::time::Duration;

use anyhow::Context;
use archive::{Intake, OVERDUE_AGE, PostgresUrl, Reconciler, Sink};
use lambda_http::{lambda_runtime, service_fn};
use ledger::Ledger;
use serde::Serialize;
use serde_json::Value;

use crate::{Config, deadline::time_left};

/// Left of the function's time for the answer. What is not done by then is done by the next run.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Overdue entries that were looked at.
    pub entries: usize,
    /// Of these, events that PostgreSQL did not have.
    pub archived: u64,
    /// Of these, what cannot be archived and was set aside for the first time.
    pub set_aside: usize,
}

/// Serves the schedule's events under Lambda.
pub async fn run() -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let reconciler = reconciler(&config)?;
    let handler = service_fn(async |event: lambda_runtime::LambdaEvent<Value>| {
        let left = time_left(event.context.deadline).saturating_sub(ANSWER_TIME);
        let report = tokio::time::timeout(left, reconcile(&reconciler)).await;
        report.context("there is more to do").flatten().map_err(anyhow::Error::into_boxed_dyn_error)
    });
    lambda_runtime::run(handler).await.map_err(anyhow::Error::from_boxed)
}

/// Connects when it is first used.
pub fn reconciler(config: &Config) -> anyhow::Result<Reconciler> {
    let postgres: PostgresUrl = config.postgres_url.parse().context("POSTGRES_URL")?;
    let ledger = Ledger::new(&config.redis_url).context("REDIS_URL")?;
    Ok(Reconciler::new(Intake::new(Sink::new(&postgres), ledger)))
}

pub async fn reconcile(reconciler: &Reconciler) -> anyhow::Result<Report> {
    let reconciled = reconciler.run(OVERDUE_AGE).await?;
    for finding in &reconciled.set_aside {
        tracing::error!(source = finding.source, "set aside as {}: {}", finding.reason.as_str(), finding.detail);
    }
    let report =
        Report { entries: reconciled.entries, archived: reconciled.archived, set_aside: reconciled.set_aside.len() };
    tracing::info!(?report, "reconciled");
    Ok(report)
}
