//! The one way into the archive. Whatever brings an event, and however often, it is stored once.

mod error;
mod rows;
mod statements;

use auction::{ItemId, Position};
use ledger::OutboxId;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::time::timeout;
use uuid::Uuid;

use self::rows::Rows;
use crate::{Delivery, PostgresUrl, database, limits};

pub use self::error::SinkError;

/// Writes events to PostgreSQL. Cloning it shares the connections.
#[derive(Clone)]
pub struct Sink {
    pool: PgPool,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Outbox entries whose event is known to stand in PostgreSQL, by its event id: they may be deleted.
    pub confirmed: Vec<OutboxId>,
    /// Rows that were not there before.
    pub archived: u64,
    /// Deliveries of events that stood there already, or came twice in the batch.
    pub duplicates: u64,
    /// Deliveries that contradict what stands there. They are the caller's to report: the sink does not remember which
    /// of them it has seen before. Their outbox entries must stay.
    pub divergent: Vec<Divergence>,
}

/// Two events with one position, or one event id with two positions: a part of the history was lost and numbered anew,
/// or somebody else publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    pub item_id: ItemId,
    pub position: Position,
    pub delivered_event_id: Uuid,
    /// `None`: nothing stands at this position, since the delivered event's id stands at another one.
    pub standing_event_id: Option<Uuid>,
}

impl Sink {
    /// Touches no network until it is used; needs a tokio runtime around it.
    pub fn new(postgres: &PostgresUrl) -> Self {
        Self { pool: postgres.writers() }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Stores a batch of at most [`crate::BATCH_LENGTH_MAX`] in one transaction. Storing it again is always safe.
    pub async fn store(&self, deliveries: &[Delivery]) -> Result<Stored, SinkError> {
        if deliveries.is_empty() {
            return Ok(Stored::default());
        }
        let mut connection = self.pool.acquire().await?;
        let result = timeout(limits::STORE_DEADLINE, transaction(&mut connection, deliveries)).await;
        Ok(database::settle(connection, result)?)
    }

    /// Whether PostgreSQL answers.
    pub(crate) async fn check(&self) -> Result<(), SinkError> {
        let mut connection = self.pool.acquire().await?;
        let result = timeout(limits::CHECK_DEADLINE, connection.ping()).await;
        Ok(database::settle(connection, result)?)
    }
}

async fn transaction(connection: &mut PgConnection, deliveries: &[Delivery]) -> Result<Stored, sqlx::Error> {
    let rows = Rows::of(deliveries);
    let mut transaction = connection.begin().await?;
    let archived = statements::insert(&mut transaction, &rows).await?;
    let standing = statements::standing_event_ids(&mut transaction, deliveries).await?;
    transaction.commit().await?;

    let mut stored = Stored { archived, ..Stored::default() };
    for (delivery, standing_event_id) in deliveries.iter().zip(standing) {
        let event = delivery.event();
        if standing_event_id == Some(event.event_id) {
            stored.confirmed.extend(delivery.outbox_id().cloned());
        } else {
            stored.divergent.push(Divergence {
                item_id: event.item_id.clone(),
                position: event.position,
                delivered_event_id: event.event_id,
                standing_event_id,
            });
        }
    }
    stored.duplicates = deliveries.len() as u64 - archived - stored.divergent.len() as u64;
    Ok(stored)
}
