//! A page of overdue entries: stored, and deleted from the outbox as far as their rows stand.

use std::sync::atomic::Ordering::Relaxed;

use ledger::{OutboxPage, Placed};

use super::{Failure, Reconciler};
use crate::{Delivery, SinkError, limits};

impl Reconciler<'_> {
    pub(super) async fn store_page(&self, page: OutboxPage) -> Result<(), Failure> {
        page.unreadable.iter().for_each(|entry| self.status.found_unreadable(&entry.outbox_id, &entry.error));
        let deliveries: Vec<Delivery> = page.placed.iter().filter_map(|placed| self.delivery(placed)).collect();
        for batch in deliveries.chunks(limits::BATCH_LENGTH_MAX) {
            match self.store(batch).await {
                // One of them can never be stored. The others can.
                Err(Failure::Sink(SinkError::Rejected(_))) => self.store_one_by_one(batch).await?,
                outcome => outcome?,
            }
        }
        Ok(())
    }

    async fn store_one_by_one(&self, batch: &[Delivery]) -> Result<(), Failure> {
        for one in batch {
            match self.store(std::slice::from_ref(one)).await {
                Err(Failure::Sink(error @ SinkError::Rejected(_))) => {
                    let event = one.event();
                    self.status.found_rejected(event, &error, &format!("stays in the outbox: {}", event.to_json()));
                }
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// Storing what the archiver stores at the same moment is safe: both sort their rows, and the second finds them there.
    async fn store(&self, batch: &[Delivery]) -> Result<(), Failure> {
        let stored = self.sink.store(batch).await?;
        self.status.counters.archived.fetch_add(stored.archived, Relaxed);
        self.status.counters.reconciled.fetch_add(stored.archived, Relaxed);
        stored.divergent.iter().for_each(|divergence| self.status.found_divergent(divergence));
        self.ledger.delete_from_outbox(&stored.confirmed).await?;
        Ok(())
    }

    fn delivery(&self, placed: &Placed) -> Option<Delivery> {
        let delivery = Delivery::read(placed.event.to_json().as_bytes(), Some(placed.outbox_id.clone()));
        delivery.inspect_err(|error| self.status.found_unreadable(&placed.outbox_id, error)).ok()
    }
}
