//! Where items stand by what is archived of them.

use auction::{Amount, AuctionEvent, ItemId, ItemState, Leader, Position, Timestamp, UserId};
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::time::timeout;

use crate::{database, limits};

pub(crate) struct ArchivedItem {
    pub(crate) item_id: ItemId,
    pub(crate) state: ItemState,
}

/// The next items in the order of their ids.
pub(crate) async fn items_after(pool: &PgPool, after: &str) -> Result<Vec<ArchivedItem>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let limit = limits::RESTORED_ITEMS_MAX;
    let query = sqlx::query_file!("src/archived/items_after.sql", after, limit).fetch_all(&mut *connection);
    let result = timeout(limits::STORE_DEADLINE, query).await;
    let rows = database::settle(connection, result)?;
    rows.into_iter()
        .map(|row| {
            let amount = minor_units(row.price).ok_or_else(|| unreadable("current_bid"))?;
            let leader = row.highest_bidder_id.map(|user| UserId::parse(&user).map(|user| Leader { user, amount }));
            let microseconds = row.last_event_at.unix_timestamp_nanos() / 1_000;
            let state = ItemState {
                position: Position { epoch: row.epoch.unsigned_abs(), seq: row.seq.unsigned_abs() },
                leader: leader.transpose().map_err(|_| unreadable("highest_bidder_id"))?,
                bid_count: row.bid_count.unsigned_abs(),
                last_event_at: i64::try_from(microseconds).ok().and_then(Timestamp::from_microseconds),
            };
            let item_id = ItemId::parse(&row.item_id).map_err(|_| unreadable("item_id"))?;
            Ok(ArchivedItem { item_id, state })
        })
        .collect()
}

/// The last events of an item up to a position, in their order: what a new log starts with.
pub(crate) async fn last_events(
    pool: &PgPool,
    item: &ItemId,
    last: Position,
) -> Result<Vec<AuctionEvent>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let query = sqlx::query_file_scalar!(
        "src/archived/last_events.sql",
        item.as_str(),
        last.epoch.cast_signed(),
        last.seq.cast_signed(),
        limits::RESTORED_LOG_LENGTH,
    );
    let result = timeout(limits::STORE_DEADLINE, query.fetch_all(&mut *connection)).await;
    let payloads = database::settle(connection, result)?;
    // An event of a newer version is left out of the log, and stands in the archive.
    Ok(payloads.iter().filter_map(|payload| AuctionEvent::from_json(payload.as_bytes()).ok()).collect())
}

fn minor_units(price: i64) -> Option<Amount> {
    Amount::from_minor_units(price.unsigned_abs())
}

fn unreadable(column: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("items.{column} is none that this version can read").into())
}

/// When the archive was last written to; none if it never was.
pub(crate) async fn last_written(pool: &PgPool) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let query = sqlx::query_file_scalar!("src/archived/last_written.sql").fetch_one(&mut *connection);
    let result = timeout(limits::STORE_DEADLINE, query).await;
    database::settle(connection, result)
}
