//! What stands in Redis and in PostgreSQL when all is over, brought into the record.

mod postgres;

use std::time::Duration;

use anyhow::{Context, Result};
use auction::Amount;
use local::System;
use serde::Deserialize;
use tokio::time::{sleep, timeout};

use super::sampler::{metric, metrics};
use crate::load;
use crate::record::{Folder, ItemStanding, RedisStanding, Writer};

const POLL: Duration = Duration::from_millis(50);

/// Waits until the outbox is empty. False: it is not.
pub(crate) async fn until_drained(system: &System, deadline: Duration) -> bool {
    let (client, worker_url) = (reqwest::Client::new(), system.worker_url());
    let empty = async {
        loop {
            let metrics = metrics(&client, &worker_url).await;
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
    let standings = Writer::create(folder.file("standings.jsonl"))?;
    let redis = redis::Client::open(system.redis_url())?;
    let mut redis = redis.get_multiplexed_async_connection().await?;
    for number in 0..items {
        let item = load::item(number);
        let Standing { epoch, seq, current_bid, highest_bidder_id, bid_count } = standing(system, &item).await?;
        let key: Option<String> =
            redis::cmd("GET").arg(format!("item:{item}:current_bid")).query_async(&mut redis).await?;
        let price_key = key.as_deref().map(minor_units).transpose()?;
        let (price, leader) = (current_bid.minor_units(), highest_bidder_id);
        let standing = ItemStanding { item, epoch, seq, price, leader, bids: bid_count };
        standings.send(RedisStanding { standing, price_key }).await?;
    }
    standings.close().await?;
    postgres::all(&system.postgres_url(), folder).await
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

/// Zero is no bid, and a price.
fn minor_units(text: &str) -> Result<u64> {
    let amount: Amount = serde_json::from_str(text).with_context(|| format!("the amount {text:?}"))?;
    Ok(amount.minor_units())
}
