//! The one way into the archive. Whatever brings an event, and however often, it is stored once.

mod error;
mod rows;
mod statements;

use auction::AuctionEvent;
use ledger::OutboxId;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::time::timeout;
use uuid::Uuid;

use self::{rows::Rows, statements::Inserted};
use crate::{Delivery, PostgresUrl, SetAside, database, epochs, limits, quarantine};

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
    /// Deliveries of an epoch before the latest, which are not archived: Redis has lost them, unless its log says that it
    /// has not.
    pub superseded: Vec<Delivery>,
}

/// Two events with one position, or one event id with two positions: a part of the history was lost and numbered anew,
/// or somebody else publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    pub delivery: Delivery,
    /// `None`: nothing stands at this position, since the delivered event's id stands at another one.
    pub standing_event_id: Option<Uuid>,
}

impl Stored {
    pub(crate) fn add(&mut self, more: Self) {
        self.confirmed.extend(more.confirmed);
        self.archived += more.archived;
        self.duplicates += more.duplicates;
        self.divergent.extend(more.divergent);
        self.superseded.extend(more.superseded);
    }

    /// How many deliveries it tells of.
    pub(crate) fn len(&self) -> usize {
        (self.archived + self.duplicates) as usize + self.divergent.len() + self.superseded.len()
    }
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

    /// Which of an item's events stand, each with its event id, up to the first that does not.
    pub(crate) async fn standing_prefix(&self, events: &[AuctionEvent]) -> Result<usize, SinkError> {
        let mut connection = self.pool.acquire().await?;
        let statement = statements::standing_event_ids(&mut connection, events.iter());
        let result = timeout(limits::STORE_DEADLINE, statement).await;
        let standing = database::settle(connection, result)?;
        Ok(events.iter().zip(standing).take_while(|(event, standing)| *standing == Some(event.event_id)).count())
    }

    /// Sets findings aside; answers for each whether it is new.
    pub(crate) async fn quarantine(&self, findings: &[SetAside]) -> Result<Vec<bool>, SinkError> {
        if findings.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.pool.acquire().await?;
        let result = timeout(limits::STORE_DEADLINE, quarantine::store(&mut connection, findings)).await;
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
    let mut transaction = epochs::begin_shared(connection).await?;
    let Inserted { archived, latest_epoch } = statements::insert(&mut transaction, &rows).await?;
    let events = deliveries.iter().map(Delivery::event);
    let standing = statements::standing_event_ids(&mut transaction, events).await?;
    transaction.commit().await?;

    let mut stored = Stored { archived, ..Stored::default() };
    for (delivery, standing_event_id) in deliveries.iter().zip(standing) {
        if standing_event_id == Some(delivery.event().event_id) {
            stored.confirmed.extend(delivery.outbox_id().cloned());
        } else if delivery.epoch() < latest_epoch && !delivery.is_in_log() {
            stored.superseded.push(delivery.clone());
        } else {
            stored.divergent.push(Divergence { delivery: delivery.clone(), standing_event_id });
        }
    }
    let not_archived = stored.divergent.len() + stored.superseded.len();
    stored.duplicates = deliveries.len() as u64 - archived - not_archived as u64;
    Ok(stored)
}
