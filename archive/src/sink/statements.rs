//! The statements of a batch.

use auction::AuctionEvent;
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::Rows;

pub(super) struct Inserted {
    /// How many events were not there yet.
    pub(super) archived: u64,
    /// Events of earlier epochs were left out, unless the log has them.
    pub(super) latest_epoch: i64,
}

/// Inserts what is not there yet.
pub(super) async fn insert(connection: &mut PgConnection, rows: &Rows<'_>) -> Result<Inserted, sqlx::Error> {
    let inserted = sqlx::query_file!(
        "src/sink/insert.sql",
        &rows.item_id as &[&str],
        &rows.epoch,
        &rows.seq,
        &rows.kind as &[&str],
        &rows.event_id,
        &rows.occurred_at,
        &rows.payload as &[&str],
        &rows.bid_id,
        &rows.user_id as &[&str],
        &rows.amount,
        &rows.previous_bid,
        &rows.in_log,
    )
    .fetch_one(connection)
    .await?;
    Ok(Inserted { archived: inserted.archived.unsigned_abs(), latest_epoch: inserted.latest_epoch })
}

/// The id of the event that stands at each event's position.
///
/// A statement of its own, since the one that inserts does not see what another writer committed meanwhile.
pub(super) async fn standing_event_ids<'a>(
    connection: &mut PgConnection,
    events: impl Iterator<Item = &'a AuctionEvent>,
) -> Result<Vec<Option<Uuid>>, sqlx::Error> {
    let (mut item_id, mut epoch, mut seq) = (Vec::new(), Vec::new(), Vec::new());
    for event in events {
        item_id.push(event.item_id.as_str());
        epoch.push(event.position.epoch.cast_signed());
        seq.push(event.position.seq.cast_signed());
    }
    sqlx::query_file_scalar!("src/sink/standing.sql", &item_id as &[&str], &epoch, &seq).fetch_all(connection).await
}
