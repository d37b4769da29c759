//! One batch of messages: archived or set aside, deleted from the outbox, acknowledged, in this order.
//!
//! A worker that dies in between leaves only work that is done again without effect.

use async_nats::jetstream::Message;
use tokio_util::sync::CancellationToken;

use super::{acks::Acks, deletions::Deletions, inbound, pause::Pauses, status::Status, touched::Touched};
use crate::{Delivery, Intake, IntakeError, SetAside};

pub(super) struct Writer {
    intake: Intake,
    deletions: Deletions,
    status: Status,
    touched: Touched,
}

impl Writer {
    pub(super) fn new(intake: Intake, status: &Status, touched: &Touched) -> Self {
        let deletions = Deletions::new(intake.ledger().clone(), status.outbox.clone());
        Self { intake, deletions, status: status.clone(), touched: touched.clone() }
    }

    pub(super) async fn write(&mut self, messages: Vec<Message>, shutdown: &CancellationToken) {
        let (deliveries, unreadable) = inbound::read_all(&messages);
        let acks = match self.take(&deliveries, &unreadable, shutdown).await {
            true => Acks { taken: messages, ..Acks::default() },
            false => Acks { given_back: messages, ..Acks::default() },
        };
        self.touched.note(deliveries.iter().map(|delivery| &delivery.event().item_id));
        self.deletions.carry_out().await;
        acks.send().await;
    }

    /// Deletes from the outbox what is still waiting for Redis. Never ends if nothing is.
    pub(super) async fn delete_later(&mut self) {
        self.deletions.carry_out_later().await;
    }

    /// Tries for as long as it takes; false if the worker is to end first.
    async fn take(&mut self, deliveries: &[Delivery], unreadable: &[SetAside], shutdown: &CancellationToken) -> bool {
        let mut pauses = Pauses::default();
        loop {
            match self.intake.take(deliveries, unreadable.to_vec()).await {
                Ok(taken) => {
                    self.status.postgres.works();
                    self.status.count(&taken);
                    self.deletions.add(taken.stored.confirmed);
                    return true;
                }
                Err(IntakeError::Sink(error)) => self.status.postgres.fails(&error),
                Err(IntakeError::Ledger(error)) => self.status.outbox.fails(&error),
            }
            if shutdown.run_until_cancelled(tokio::time::sleep(pauses.next())).await.is_none() {
                return false;
            }
        }
    }
}
