//! Bids as they come from outside: each at its time, whatever became of the others (an open loop), or from users who wait
//! for one answer before they ask again (a closed loop).
//!
//! Most bid a little above the price they know. Others are too low, come twice at once, repeat what was accepted, reuse
//! its key for another bid, are no bids at all, or only look. Who gets no answer may ask again under the same key.

mod answer;
mod bidder;
mod hostile;
mod items;
mod market;
mod plan;
mod rate;
mod users;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use self::bidder::Bidder;
pub use self::items::{Items, item};
use self::market::Market;
pub use self::plan::{Arrival, Arrivals, Intent, Mix};
pub use self::rate::Rate;
pub use self::users::Users;
use crate::clock::Clock;
use crate::http::{Pool, Target};
use crate::pacer;
use crate::record::Sent;

/// Who waits longer for an answer gives up. A bid has its own deadlines, which are shorter.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// Requests that wait for their answers. What comes beyond is not sent, and counted.
const WAITING_MAX: usize = 4_096;

/// Of an item that must be known before it counts: in all some seconds.
const LOOKS_MAX: u32 = 20;
const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// What is offered.
#[derive(Clone, Debug)]
pub struct Load {
    /// Arrivals at random times.
    pub rate: Rate,
    /// Beside them, arrivals that all come at the beginning.
    pub burst: u32,
    pub items: Items,
    pub mix: Mix,
    /// Microseconds since the run began.
    pub begins: u64,
    /// Microseconds.
    pub lasts: u64,
    pub seed: u64,
}

/// Those that bid: what they know of the items, and how they ask.
#[derive(Clone)]
pub struct Crowd(Arc<Bidder>);

impl Crowd {
    /// `tries`: how often one asks who gets no answer.
    pub fn new(items: Items, tries: u32, target: Target, clock: Clock, sent: mpsc::Sender<Sent>) -> Self {
        let (pool, market) = (Pool::new(target, ANSWER_DEADLINE), Arc::new(Market::new(items.count)));
        Self(Arc::new(Bidder::new(pool, clock, items, market, tries, sent)))
    }

    /// Another crowd that knows the same, with connections of its own.
    pub fn beside(&self, target: Target) -> Self {
        let Bidder { clock, items, market, tries, sent, .. } = &*self.0;
        let pool = Pool::new(target, ANSWER_DEADLINE);
        let (items, market, sent) = (items.clone(), Arc::clone(market), sent.clone());
        Self(Arc::new(Bidder::new(pool, *clock, items, market, *tries, sent)))
    }

    /// Looks where every item stands, when it does not count: again and again, if there is no answer.
    pub async fn learn_prices(&self) -> Result<()> {
        for item in 0..self.0.items.count {
            let mut tries = LOOKS_MAX;
            while let Err(error) = self.0.standing(item).await {
                tries -= 1;
                if tries == 0 {
                    return Err(error.context(format!("item {}", self.0.items.name(item))));
                }
                tokio::time::sleep(LOOK_PAUSE).await;
            }
        }
        Ok(())
    }

    /// The last that anybody was told of an item.
    pub fn seq(&self, item: u32) -> u64 {
        self.0.market.known(item).seq
    }

    /// Brings every arrival when it is due, and returns when each is answered or given up: how many were not sent.
    pub async fn bring(&self, arrivals: impl Iterator<Item = Arrival> + Send + 'static) -> Result<u64> {
        let waiting = Arc::new(Semaphore::new(WAITING_MAX));
        let mut unsent = 0;
        let mut tasks = JoinSet::new();
        let mut due = pacer::start(arrivals, self.0.clock);
        while let Some(arrival) = due.recv().await {
            while let Some(ended) = tasks.try_join_next() {
                ended.context("a bidder panicked")?;
            }
            let Ok(permit) = Arc::clone(&waiting).try_acquire_owned() else {
                unsent += 1;
                continue;
            };
            let bidder = Arc::clone(&self.0);
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
}
