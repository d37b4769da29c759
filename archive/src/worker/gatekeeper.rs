//! Keeps Redis open for bids: after a restart it is closed until somebody has opened it.

use anyhow::{Context, Result};
use ledger::Ledger;
use tokio_util::sync::CancellationToken;

use super::status::Status;
use crate::{Sink, epochs, limits};

pub(super) async fn run(ledger: &Ledger, sink: &Sink, status: &Status, shutdown: &CancellationToken) {
    let watch = async {
        loop {
            match keep_open(ledger, sink).await {
                Ok(()) => status.bids.works(),
                Err(error) => status.bids.fails(&error),
            }
            tokio::time::sleep(limits::GATE_CHECK_INTERVAL).await;
        }
    };
    shutdown.run_until_cancelled(watch).await;
}

/// Opening asks PostgreSQL for the epoch, so while it is away a restarted Redis stays closed.
async fn keep_open(ledger: &Ledger, sink: &Sink) -> Result<()> {
    if ledger.is_open().await? {
        return Ok(());
    }
    let epoch = match ledger.is_blank().await? {
        true => begin_epoch(sink).await,
        // Every shard has its epoch, unless an earlier opening was cut short.
        false => epochs::latest(sink.pool()).await,
    };
    let epoch = epoch.context("closed until PostgreSQL tells the epoch")?;
    ledger.open(epoch).await.context("cannot open Redis for bids")?;
    tracing::info!(epoch, "Redis is open for bids");
    Ok(())
}

/// What Redis knew is gone: what it numbers from now on must not look like what it has numbered before.
async fn begin_epoch(sink: &Sink) -> Result<u64, sqlx::Error> {
    let epoch = epochs::begin(sink.pool()).await?;
    if epoch > 1 {
        tracing::warn!(epoch, "Redis is blank although there were bids: a new epoch begins");
    }
    Ok(epoch)
}
