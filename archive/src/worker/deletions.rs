//! Outbox entries whose rows stand in PostgreSQL, until Redis has deleted them.

use ledger::{Ledger, OutboxId};

use super::status::Part;
use crate::limits;

pub(super) struct Deletions {
    ledger: Ledger,
    outbox: Part,
    waiting: Vec<OutboxId>,
}

impl Deletions {
    pub(super) fn new(ledger: Ledger, outbox: Part) -> Self {
        Self { ledger, outbox, waiting: Vec::new() }
    }

    pub(super) fn add(&mut self, confirmed: Vec<OutboxId>) {
        self.waiting.extend(confirmed);
        let excess = self.waiting.len().saturating_sub(limits::UNDELETED_MAX);
        self.waiting.drain(..excess);
    }

    /// Deletes what waits, as far as Redis answers. An entry that stays is harmless: its row is never written twice.
    pub(super) async fn carry_out(&mut self) {
        while !self.waiting.is_empty() {
            let length = self.waiting.len().min(limits::DELETION_LENGTH_MAX);
            if let Err(error) = self.ledger.delete_from_outbox(&self.waiting[..length]).await {
                return self.outbox.fails(&error);
            }
            self.waiting.drain(..length);
            self.outbox.works();
        }
    }

    /// After a pause. Never ends if nothing waits; may be dropped at any moment.
    pub(super) async fn carry_out_later(&mut self) {
        if self.waiting.is_empty() {
            return std::future::pending().await;
        }
        tokio::time::sleep(limits::DELETION_RETRY_INTERVAL).await;
        self.carry_out().await;
    }
}
