//! Bids as they come from outside: each at its time, whatever became of the others.
//!
//! Most bid a little above the price they know. Others are too low, come twice at once, repeat what was accepted, reuse
//! its key for another bid, or are no bids at all. Who gets no answer asks again under the same key.

mod bidder;
mod hostile;
mod market;
mod pacer;
mod plan;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use self::bidder::Bidder;
use self::market::Market;
pub use self::plan::{Arrival, Arrivals, Intent, Mix};
use crate::clock::Clock;
use crate::record::Request;

/// Who waits longer for an answer gives up. A bid has its own deadlines, which are shorter.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// Requests that wait for their answers. What comes beyond is not sent, and counted.
const WAITING_MAX: usize = 4_096;

/// What is offered.
#[derive(Clone, Debug)]
pub struct Load {
    /// Arrivals a second, at random times.
    pub rate: f64,
    pub items: u32,
    pub mix: Mix,
    /// Microseconds.
    pub lasts: u64,
    pub seed: u64,
}

/// The name of an item of the load.
pub fn item(number: u32) -> String {
    format!("lot{number}")
}

/// Sends the whole load, and returns when each request is answered or given up: how many were not sent.
pub async fn offer(load: &Load, api_url: &str, clock: Clock, requests: mpsc::Sender<Request>) -> Result<u64> {
    let client = reqwest::Client::builder().timeout(ANSWER_DEADLINE).build()?;
    let market = Arc::new(Market::new(load.items));
    let bidder = Arc::new(Bidder { client, api_url: api_url.to_owned(), clock, market, requests });
    let waiting = Arc::new(Semaphore::new(WAITING_MAX));
    let mut unsent = 0;
    let mut tasks = JoinSet::new();
    let mut due = pacer::start(Arrivals::new(load), clock);
    while let Some(arrival) = due.recv().await {
        while let Some(ended) = tasks.try_join_next() {
            ended.context("a bidder panicked")?;
        }
        let Ok(permit) = Arc::clone(&waiting).try_acquire_owned() else {
            unsent += 1;
            continue;
        };
        let bidder = Arc::clone(&bidder);
        tasks.spawn(async move {
            bidder.arrive(arrival).await;
            drop(permit);
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.context("a bidder panicked")?;
    }
    Ok(unsent)
}
