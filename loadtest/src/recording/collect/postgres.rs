//! The rows of PostgreSQL. The checker reads the tables itself: it must not believe what it checks.

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};

use super::minor_units;
use crate::record::{ArchivedEvent, BidRow, Folder, ItemStanding, QuarantineRow, Writer};

const EVENTS: &str = "SELECT item_id, epoch, seq, events.event_id, events.payload::text,
    bids.user_id, bids.amount::text, bids.previous_bid::text
    FROM events FULL JOIN bids USING (item_id, epoch, seq) ORDER BY 1, 2, 3";
const ITEMS: &str = "SELECT item_id, epoch, seq, current_bid::text, highest_bidder_id, bid_count FROM items ORDER BY 1";
const QUARANTINE: &str =
    "SELECT reason, detail, source, event_id, item_id, epoch, seq FROM quarantine ORDER BY quarantine_id";

pub(super) async fn all(url: &str, folder: &Folder) -> Result<()> {
    let mut postgres = PgConnection::connect(url).await?;
    table(&mut postgres, folder, "events.jsonl", EVENTS, event).await?;
    table(&mut postgres, folder, "items.jsonl", ITEMS, item_row).await?;
    table(&mut postgres, folder, "quarantine.jsonl", QUARANTINE, quarantined).await
}

async fn table<T: Serialize + Send + 'static>(
    postgres: &mut PgConnection,
    folder: &Folder,
    file: &str,
    query: &'static str,
    read: impl Fn(&PgRow) -> Result<T>,
) -> Result<()> {
    let writer = Writer::create(folder.file(file))?;
    let mut rows = sqlx::query(query).fetch(postgres);
    while let Some(row) = rows.try_next().await? {
        writer.send(read(&row).with_context(|| format!("a row of {file}"))?).await?;
    }
    writer.close().await?;
    Ok(())
}

fn event(row: &PgRow) -> Result<ArchivedEvent> {
    let bid = match row.try_get::<Option<String>, _>(5)? {
        Some(user) => Some(BidRow { user, amount: money(row, 6)?, previous: money(row, 7)? }),
        None => None,
    };
    Ok(ArchivedEvent {
        item: row.try_get(0)?,
        epoch: number(row, 1)?,
        seq: number(row, 2)?,
        event: row.try_get(3)?,
        payload: row.try_get(4)?,
        bid,
    })
}

fn item_row(row: &PgRow) -> Result<ItemStanding> {
    let (price, bids) = (money(row, 3)?, number(row, 5)?);
    Ok(ItemStanding {
        item: row.try_get(0)?,
        epoch: number(row, 1)?,
        seq: number(row, 2)?,
        price,
        leader: row.try_get(4)?,
        bids,
    })
}

fn quarantined(row: &PgRow) -> Result<QuarantineRow> {
    let maybe = |column| anyhow::Ok(row.try_get::<Option<i64>, _>(column)?.map(u64::try_from).transpose()?);
    Ok(QuarantineRow {
        reason: row.try_get(0)?,
        detail: row.try_get(1)?,
        source: row.try_get(2)?,
        event: row.try_get(3)?,
        item: row.try_get(4)?,
        epoch: maybe(5)?,
        seq: maybe(6)?,
    })
}

fn number(row: &PgRow, column: usize) -> Result<u64> {
    Ok(u64::try_from(row.try_get::<i64, _>(column)?)?)
}

fn money(row: &PgRow, column: usize) -> Result<u64> {
    minor_units(&row.try_get::<String, _>(column)?)
}
