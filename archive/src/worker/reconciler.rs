//! From the outbox straight to the sink, for events that JetStream did not bring: NATS was away, lost its store, or was
//! never told because the function died first.

mod page;

use ledger::{Ledger, LedgerError, OutboxCursor};
use tokio_util::sync::CancellationToken;

use super::status::{Part, Status};
use crate::{Sink, SinkError, limits};

pub(super) async fn run(ledger: &Ledger, sink: &Sink, status: &Status, shutdown: &CancellationToken) {
    let (postgres, outbox) = (status.postgres.seen_by("reconciler"), status.outbox.seen_by("reconciler"));
    let reconciler = Reconciler { ledger, sink, status, postgres, outbox };
    let watch = async {
        loop {
            tokio::time::sleep(limits::RECONCILIATION_INTERVAL).await;
            reconciler.round().await;
        }
    };
    shutdown.run_until_cancelled(watch).await;
}

struct Reconciler<'a> {
    ledger: &'a Ledger,
    sink: &'a Sink,
    status: &'a Status,
    postgres: Part,
    outbox: Part,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Sink(#[from] SinkError),
}

impl Reconciler<'_> {
    /// Every round asks both PostgreSQL and Redis something, so that each part fails and recovers also while there are no
    /// bids.
    async fn round(&self) {
        if let Err(error) = self.sink.check().await {
            self.postgres.fails(&error);
            // Nothing can be stored.
            return match self.ledger.ping().await {
                Ok(()) => self.outbox.works(),
                Err(error) => self.outbox.fails(&error),
            };
        }
        match self.reconcile().await {
            Ok(()) => {}
            Err(Failure::Ledger(error)) => {
                self.postgres.works();
                self.outbox.fails(&error);
            }
            Err(Failure::Sink(error)) => {
                self.outbox.works();
                self.postgres.fails(&error);
            }
        }
    }

    /// From the oldest entry to the youngest that is overdue: what must stay in the outbox keeps nothing behind it there.
    async fn reconcile(&self) -> Result<(), Failure> {
        let mut cursor = OutboxCursor::default();
        while !cursor.is_at_end() {
            let page = self.ledger.overdue(limits::OVERDUE_AGE, &mut cursor, limits::OVERDUE_PER_SHARD_MAX).await?;
            self.store_page(page).await?;
            self.postgres.works();
            self.outbox.works();
        }
        Ok(())
    }
}
