//! What stands in Redis and in PostgreSQL when all is over, brought into the record.

use std::time::Duration;

use anyhow::{Context, Result};
use auction::Amount;
use futures_util::TryStreamExt;
use local::System;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};
use tokio::time::{sleep, timeout};

use super::sampler::metric;
use crate::load;
use crate::record::{ArchivedEvent, BidRow, Folder, ItemRow, QuarantineRow, RedisStanding, Writer};

const POLL: Duration = Duration::from_millis(50);

/// Waits until the outbox is empty. False: it is not.
pub(super) async fn until_drained(system: &System, deadline: Duration) -> bool {
    let url = format!("{}/metrics", system.worker_url());
    let empty = async {
        loop {
            let answer = reqwest::get(&url).await;
            let metrics = match answer {
                Ok(answer) => answer.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if metric(&metrics, "archival_worker_outbox_length") == Some(0) {
                return;
            }
            sleep(POLL).await;
        }
    };
    timeout(deadline, empty).await.is_ok()
}

pub(super) async fn last_seqs(system: &System, items: u32) -> Result<Vec<u64>> {
    let mut seqs = Vec::new();
    for number in 0..items {
        seqs.push(standing(system, &load::item(number)).await?.seq);
    }
    Ok(seqs)
}

pub(super) async fn all(system: &System, items: u32, folder: &Folder) -> Result<()> {
    let mut standings = Vec::new();
    let redis = redis::Client::open(system.redis_url())?;
    let mut redis = redis.get_multiplexed_async_connection().await?;
    for number in 0..items {
        let item = load::item(number);
        let Standing { epoch, seq, current_bid, highest_bidder_id, bid_count } = standing(system, &item).await?;
        let key: Option<String> =
            redis::cmd("GET").arg(format!("item:{item}:current_bid")).query_async(&mut redis).await?;
        let price_key = key.as_deref().map(minor_units).transpose()?;
        let (price, leader) = (current_bid.minor_units(), highest_bidder_id);
        standings.push(RedisStanding { item, epoch, seq, price, leader, bids: bid_count, price_key });
    }
    write(folder, "standings.jsonl", standings).await?;
    let mut postgres = PgConnection::connect(&system.postgres_url()).await?;
    table(&mut postgres, folder, "events.jsonl", EVENTS, event).await?;
    table(&mut postgres, folder, "items.jsonl", ITEMS, item_row).await?;
    table(&mut postgres, folder, "quarantine.jsonl", QUARANTINE, quarantined).await
}

#[derive(Deserialize)]
struct Standing {
    epoch: u64,
    seq: u64,
    current_bid: Amount,
    highest_bidder_id: Option<String>,
    bid_count: u64,
}

async fn standing(system: &System, item: &str) -> Result<Standing> {
    let answer = reqwest::get(format!("{}/api/v1/items/{item}", system.api_url())).await?.error_for_status()?;
    Ok(answer.json().await?)
}

const EVENTS: &str = "SELECT events.item_id, events.epoch, events.seq, events.event_id, events.payload::text,
    bids.user_id, bids.amount::text, bids.previous_bid::text
    FROM events FULL JOIN bids USING (item_id, epoch, seq) ORDER BY 1, 2, 3";
const ITEMS: &str = "SELECT item_id, epoch, seq, current_bid::text, highest_bidder_id, bid_count FROM items ORDER BY 1";
const QUARANTINE: &str =
    "SELECT reason, detail, source, event_id, item_id, epoch, seq FROM quarantine ORDER BY quarantine_id";

async fn table<T: Serialize + Send + Sync + 'static>(
    postgres: &mut PgConnection,
    folder: &Folder,
    file: &str,
    query: &'static str,
    read: impl Fn(&PgRow) -> Result<T>,
) -> Result<()> {
    let writer = Writer::create(folder.file(file))?;
    let sender = writer.sender();
    let mut rows = sqlx::query(query).fetch(postgres);
    while let Some(row) = rows.try_next().await? {
        sender.send(read(&row).with_context(|| format!("a row of {file}"))?).await?;
    }
    drop(sender);
    writer.close().await
}

async fn write<T: Serialize + Send + Sync + 'static>(folder: &Folder, file: &str, lines: Vec<T>) -> Result<()> {
    let writer = Writer::create(folder.file(file))?;
    let sender = writer.sender();
    for line in lines {
        sender.send(line).await?;
    }
    drop(sender);
    writer.close().await
}

fn event(row: &PgRow) -> Result<ArchivedEvent> {
    let bid = match row.try_get::<Option<String>, _>(5)? {
        Some(user) => Some(BidRow { user, amount: money(row, 6)?, previous: money(row, 7)? }),
        None => None,
    };
    // A bid without its event has no payload: this read fails, and says so.
    let payload = row.try_get(4).context("a bid without an event")?;
    Ok(ArchivedEvent {
        item: row.try_get(0)?,
        epoch: number(row, 1)?,
        seq: number(row, 2)?,
        event: row.try_get(3)?,
        payload,
        bid,
    })
}

fn item_row(row: &PgRow) -> Result<ItemRow> {
    let (price, bids) = (money(row, 3)?, number(row, 5)?);
    Ok(ItemRow {
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

/// Zero is no bid, and a price.
fn minor_units(text: &str) -> Result<u64> {
    let amount: Amount = serde_json::from_str(text).with_context(|| format!("the amount {text:?}"))?;
    Ok(amount.minor_units())
}
