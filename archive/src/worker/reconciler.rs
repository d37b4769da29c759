//! From the outbox straight to the sink, for events that JetStream did not bring: NATS was away, lost its store, or was
//! never told because the function died first.

use std::sync::atomic::Ordering::Relaxed;

use ledger::{Ledger, LedgerError, Placed};
use tokio_util::sync::CancellationToken;

use super::status::Status;
use crate::{Delivery, Sink, SinkError, limits};

pub(super) async fn run(ledger: &Ledger, sink: &Sink, status: &Status, shutdown: &CancellationToken) {
    let watch = async {
        loop {
            tokio::time::sleep(limits::RECONCILIATION_INTERVAL).await;
            match reconcile(ledger, sink, status).await {
                Ok(()) => {}
                Err(Failure::Ledger(error)) => status.outbox.fails(&error),
                Err(Failure::Sink(error)) => status.postgres.fails(&error),
            }
        }
    };
    shutdown.run_until_cancelled(watch).await;
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Sink(#[from] SinkError),
}

async fn reconcile(ledger: &Ledger, sink: &Sink, status: &Status) -> Result<(), Failure> {
    let overdue = ledger.overdue(limits::OVERDUE_AGE, limits::OVERDUE_PER_SHARD_MAX).await?;
    for batch in overdue.chunks(limits::BATCH_LENGTH_MAX) {
        match store(batch, ledger, sink, status).await {
            // One of them can never be stored. The others can.
            Err(Failure::Sink(SinkError::Rejected(_))) => store_one_by_one(batch, ledger, sink, status).await?,
            outcome => outcome?,
        }
    }
    Ok(())
}

async fn store_one_by_one(batch: &[Placed], ledger: &Ledger, sink: &Sink, status: &Status) -> Result<(), Failure> {
    for one in batch {
        match store(std::slice::from_ref(one), ledger, sink, status).await {
            Err(Failure::Sink(error @ SinkError::Rejected(_))) => {
                tracing::error!("not archived, stays in the outbox as {}: {error}", one.outbox_id);
            }
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Storing what the archiver stores at the same moment is safe: both sort their rows, and the second finds them there.
async fn store(batch: &[Placed], ledger: &Ledger, sink: &Sink, status: &Status) -> Result<(), Failure> {
    let deliveries: Vec<Delivery> = batch.iter().filter_map(delivery).collect();
    let stored = sink.store(&deliveries).await?;
    status.counters.archived.fetch_add(stored.archived, Relaxed);
    status.counters.reconciled.fetch_add(stored.archived, Relaxed);
    ledger.delete_from_outbox(&stored.confirmed).await?;
    Ok(())
}

fn delivery(placed: &Placed) -> Option<Delivery> {
    let json = placed.event.to_json();
    let delivery = Delivery::read(json.as_bytes(), Some(placed.outbox_id.clone()));
    delivery.inspect_err(|error| tracing::error!("not archived, stays in the outbox: {error}: {json}")).ok()
}
