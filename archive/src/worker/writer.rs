//! One batch: stored, deleted from the outbox, acknowledged, in this order.
//!
//! A worker that dies in between leaves only work that is done again without effect.

use std::sync::atomic::Ordering::Relaxed;

use async_nats::jetstream::Message;
use ledger::Ledger;
use tokio_util::sync::CancellationToken;

use super::{acks::Acks, deletions::Deletions, inbound, pause::Pauses, status::Status};
use crate::{Delivery, Sink, SinkError};

pub(super) struct Writer {
    sink: Sink,
    deletions: Deletions,
    status: Status,
}

/// What became of a batch or of one of it.
enum Outcome {
    Stored,
    Rejected(SinkError),
    /// The worker is to end and PostgreSQL is away.
    Abandoned,
}

impl Writer {
    pub(super) fn new(sink: Sink, ledger: Ledger, status: &Status) -> Self {
        Self { sink, deletions: Deletions::new(ledger, status.outbox.clone()), status: status.clone() }
    }

    pub(super) async fn write(&mut self, messages: Vec<Message>, shutdown: &CancellationToken) {
        let mut acks = Acks::default();
        let (readable, deliveries) = self.read(messages, &mut acks);
        match self.store(&deliveries, shutdown).await {
            Outcome::Stored => acks.stored = readable,
            Outcome::Rejected(_) => self.store_one_by_one(readable, &deliveries, &mut acks, shutdown).await,
            Outcome::Abandoned => acks.given_back = readable,
        }
        self.deletions.carry_out().await;
        acks.send().await;
    }

    /// Deletes from the outbox what is still waiting for Redis. Never ends if nothing is.
    pub(super) async fn delete_later(&mut self) {
        self.deletions.carry_out_later().await;
    }

    /// The messages that are events, with the event of each.
    fn read(&self, messages: Vec<Message>, acks: &mut Acks) -> (Vec<Message>, Vec<Delivery>) {
        let (mut readable, mut deliveries) = (Vec::new(), Vec::new());
        for message in messages {
            match inbound::read(&message) {
                Ok(delivery) => {
                    deliveries.push(delivery);
                    readable.push(message);
                }
                Err(error) => {
                    tracing::error!("not archived: {error}: {}", inbound::describe(&message));
                    self.status.counters.unreadable.fetch_add(1, Relaxed);
                    acks.refused.push(message);
                }
            }
        }
        (readable, deliveries)
    }

    /// So that one bad row does not stop the others.
    async fn store_one_by_one(
        &mut self,
        messages: Vec<Message>,
        deliveries: &[Delivery],
        acks: &mut Acks,
        shutdown: &CancellationToken,
    ) {
        for (message, delivery) in messages.into_iter().zip(deliveries) {
            match self.store(std::slice::from_ref(delivery), shutdown).await {
                Outcome::Stored => acks.stored.push(message),
                Outcome::Rejected(error) => {
                    self.status.found_rejected(delivery.event(), &error, &inbound::describe(&message));
                    acks.refused.push(message);
                }
                Outcome::Abandoned => acks.given_back.push(message),
            }
        }
    }

    /// Tries for as long as it takes.
    async fn store(&mut self, deliveries: &[Delivery], shutdown: &CancellationToken) -> Outcome {
        if deliveries.is_empty() {
            return Outcome::Stored;
        }
        let mut pauses = Pauses::default();
        loop {
            match self.sink.store(deliveries).await {
                Ok(stored) => {
                    self.status.postgres.works();
                    self.status.counters.count(&stored);
                    stored.divergent.iter().for_each(|divergence| self.status.found_divergent(divergence));
                    self.deletions.add(stored.confirmed);
                    return Outcome::Stored;
                }
                Err(error @ SinkError::Rejected(_)) => {
                    self.status.postgres.works();
                    return Outcome::Rejected(error);
                }
                Err(error @ SinkError::Unavailable(_)) => self.status.postgres.fails(&error),
            }
            if shutdown.run_until_cancelled(tokio::time::sleep(pauses.next())).await.is_none() {
                return Outcome::Abandoned;
            }
        }
    }
}
