//! The two statements of a batch.

use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::Rows;
use crate::Delivery;

/// Inserts what is not there yet; answers how many events that were.
pub(super) async fn insert(connection: &mut PgConnection, rows: &Rows<'_>) -> Result<u64, sqlx::Error> {
    let archived = sqlx::query_file_scalar!(
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
    )
    .fetch_one(connection)
    .await?;
    Ok(archived.unsigned_abs())
}

/// The id of the event that stands at each delivery's position.
///
/// A statement of its own, since the one that inserts does not see what another writer committed meanwhile.
pub(super) async fn standing_event_ids(
    connection: &mut PgConnection,
    deliveries: &[Delivery],
) -> Result<Vec<Option<Uuid>>, sqlx::Error> {
    let item_id: Vec<&str> = deliveries.iter().map(|delivery| delivery.event().item_id.as_str()).collect();
    let epoch: Vec<i64> = deliveries.iter().map(Delivery::epoch).collect();
    let seq: Vec<i64> = deliveries.iter().map(Delivery::seq).collect();
    sqlx::query_file_scalar!("src/sink/standing.sql", &item_id as &[&str], &epoch, &seq).fetch_all(connection).await
}
