//! Looks for overdue entries in the outbox, again and again.

use auction::ItemId;
use ledger::OutboxCursor;
use tokio_util::sync::CancellationToken;

use super::status::{Part, Status};
use super::touched::Touched;
use crate::{Intake, IntakeError, Reconciler, limits};

pub(super) async fn run(intake: &Intake, status: &Status, touched: &Touched, shutdown: &CancellationToken) {
    let (postgres, outbox) = (status.postgres.seen_by("reconciler"), status.outbox.seen_by("reconciler"));
    let rounds = Rounds { intake, reconciler: Reconciler::new(intake.clone()), status, touched, postgres, outbox };
    let watch = async {
        loop {
            tokio::time::sleep(limits::RECONCILIATION_INTERVAL).await;
            rounds.one().await;
        }
    };
    shutdown.run_until_cancelled(watch).await;
}

struct Rounds<'a> {
    intake: &'a Intake,
    reconciler: Reconciler,
    status: &'a Status,
    touched: &'a Touched,
    postgres: Part,
    outbox: Part,
}

impl Rounds<'_> {
    /// Every round asks both PostgreSQL and Redis something, so that each part fails and recovers also while there are no
    /// bids.
    async fn one(&self) {
        if let Err(error) = self.intake.sink().check().await {
            self.postgres.fails(&error);
            // Nothing can be stored.
            return match self.intake.ledger().ping().await {
                Ok(()) => self.outbox.works(),
                Err(error) => self.outbox.fails(&error),
            };
        }
        match self.reconcile().await {
            Ok(()) => {}
            Err(IntakeError::Ledger(error)) => {
                self.postgres.works();
                self.outbox.fails(&error);
            }
            Err(IntakeError::Sink(error)) => {
                self.outbox.works();
                self.postgres.fails(&error);
            }
        }
    }

    async fn reconcile(&self) -> Result<(), IntakeError> {
        let mut cursor = OutboxCursor::default();
        while !cursor.is_at_end() {
            let note = |item: &ItemId| self.touched.note(std::iter::once(item));
            for taken in self.reconciler.page(limits::OVERDUE_AGE, &mut cursor, note).await? {
                self.status.count_reconciled(&taken);
            }
            self.postgres.works();
            self.outbox.works();
        }
        Ok(())
    }
}
