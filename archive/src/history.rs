//! Reading what was archived.

use auction::{AuctionEvent, ItemId, Position, event::EventError};
use sqlx::PgPool;
use tokio::time::timeout;

use crate::{PostgresUrl, database, limits};

/// Reads the archive. Cloning it shares the connections.
#[derive(Clone)]
pub struct Archive {
    pool: PgPool,
}

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// PostgreSQL did not answer, or not in time: try again later.
    #[error("PostgreSQL is unavailable: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// An event stands there that this version cannot read.
    #[error("the archive is corrupt: {0}")]
    Corrupt(#[from] EventError),
}

impl Archive {
    /// Touches no network until it is used; needs a tokio runtime around it.
    pub fn new(postgres: &PostgresUrl) -> Self {
        Self { pool: postgres.readers() }
    }

    /// The first `limit` accepted bids of an item between two positions, both excluded, in their order.
    ///
    /// `before` is for a reader that has the rest from the ledger's log.
    pub async fn bids_after(
        &self,
        item: &ItemId,
        after: Position,
        before: Option<Position>,
        limit: u32,
    ) -> Result<Vec<AuctionEvent>, ArchiveError> {
        // A position beyond what PostgreSQL can hold is beyond every row.
        let column = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let before = before.unwrap_or(Position { epoch: u64::MAX, seq: u64::MAX });
        let query = sqlx::query_file_scalar!(
            "src/history/bids_after.sql",
            item.as_str(),
            column(after.epoch),
            column(after.seq),
            column(before.epoch),
            column(before.seq),
            i64::from(limit.min(limits::PAGE_LENGTH_MAX)),
        );
        let mut connection = self.pool.acquire().await.map_err(ArchiveError::Unavailable)?;
        let result = timeout(limits::ARCHIVE_DEADLINE, query.fetch_all(&mut *connection)).await;
        let payloads = database::settle(connection, result).map_err(ArchiveError::Unavailable)?;
        Ok(payloads.iter().map(|payload| AuctionEvent::from_json(payload.as_bytes())).collect::<Result<_, _>>()?)
    }
}
