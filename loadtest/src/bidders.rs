//! Bidders that each bid on an item of their own, one bid after the other, each bid above the last.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hdrhistogram::Histogram;
use reqwest::{Client, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;

/// Latency in microseconds, to three digits.
pub type Latencies = Histogram<u64>;

/// The slowest answer that is told apart from slower ones.
const LATENCY_MAX: Duration = Duration::from_secs(60);

pub struct Bidders {
    api_url: String,
    client: Client,
    /// The next price of every item, in whole units; equal for all, so that a phase starts where the last one ended.
    next_price: u64,
    count: usize,
    item_prefix: String,
}

impl Bidders {
    pub fn new(api_url: String, count: usize) -> Self {
        Self { api_url, client: Client::new(), next_price: 1, count, item_prefix: "own_item".to_owned() }
    }

    /// Names the items `PREFIX_0`, `PREFIX_1`, … so that several groups of bidders do not meet.
    pub fn prefix(&mut self, item_prefix: String) {
        self.item_prefix = item_prefix;
    }

    /// Every bidder places `bids_each` bids. Fails if one is not accepted.
    pub async fn bid(&mut self, bids_each: u64) -> anyhow::Result<Latencies> {
        let prices = self.next_price..self.next_price + bids_each;
        self.next_price = prices.end;
        let mut bidders = JoinSet::new();
        for bidder in 0..self.count {
            let url = format!("{}/api/v1/items/{}_{bidder}/bid", self.api_url, self.item_prefix);
            bidders.spawn(bid_each(self.client.clone(), url, prices.clone()));
        }
        let mut all = empty()?;
        while let Some(one) = bidders.join_next().await {
            all.add(one.context("a bidder panicked")??)?;
        }
        Ok(all)
    }
}

pub fn empty() -> anyhow::Result<Latencies> {
    Ok(Histogram::new_with_bounds(1, LATENCY_MAX.as_micros() as u64, 3)?)
}

async fn bid_each(client: Client, url: String, prices: std::ops::Range<u64>) -> anyhow::Result<Latencies> {
    let mut latencies = empty()?;
    for price in prices {
        let body = json!({ "user_id": "bidder", "amount": price });
        let sent = Instant::now();
        let response = client.post(&url).json(&body).send().await?;
        let status = response.status();
        let answer = response.bytes().await?;
        latencies.saturating_record(sent.elapsed().as_micros() as u64);
        if status != StatusCode::CREATED {
            bail!("a bid of {price} was answered {status}: {}", String::from_utf8_lossy(&answer));
        }
    }
    Ok(latencies)
}
