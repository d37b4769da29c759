//! A closed loop of bids on one item, by a short way to an answer: each client has its next bid as soon as the last one is
//! answered. What the system is held against.

mod way;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use auction::{Amount, Bid, IdempotencyKey, ItemId, UserId};
use local::{Settings, System};
use rand::RngExt;
use tokio::task::JoinSet;
use uuid::Uuid;

pub use self::way::Way;
use crate::bidders::{Latencies, empty};
use crate::random::{Stream, random};

/// What is bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Bids {
    /// A little above the highest price that anybody was told: the more bid at once, the more lose a race
    Racing,
    /// Above all that anybody has sent: accepted unless one that was sent later overtakes it, as many do on their way through
    /// `api`, and hardly any in the bare loop
    AboveAll,
}

/// A racing bid is at most this much above the price that is known.
const STEPS: u64 = 100;

/// A system whose bids are open and are not archived: that takes as much of the machine as judging them.
pub async fn without_archive(settings: Settings) -> Result<System> {
    let system = System::start(settings).await?;
    for server in ["bidding-archival-worker", "bidding-postgres"] {
        system.server(server).stop().await?;
    }
    Ok(system)
}

#[derive(Clone)]
pub struct BidLoop {
    way: Way,
    bids: Bids,
    /// Whether each has an idempotency key.
    keyed: bool,
    item: ItemId,
    /// The highest known price, in minor units.
    price: Arc<AtomicU64>,
}

pub struct Answers {
    /// Of each.
    pub latencies: Latencies,
    pub accepted: u64,
}

impl BidLoop {
    pub fn new(way: Way, bids: Bids, item: &str) -> Result<Self> {
        Ok(Self { way, bids, keyed: false, item: ItemId::parse(item)?, price: Arc::default() })
    }

    pub fn with_keys(self) -> Self {
        Self { keyed: true, ..self }
    }

    pub async fn run(&self, clients: u32, lasts: Duration) -> Result<Answers> {
        let ends = Instant::now() + lasts;
        let mut running = JoinSet::new();
        for client in 0..clients {
            let own = self.clone();
            running.spawn(async move { own.client(client, ends).await });
        }
        let mut all = Answers { latencies: empty()?, accepted: 0 };
        while let Some(one) = running.join_next().await {
            let Answers { latencies, accepted } = one.context("a client panicked")??;
            all.latencies.add(latencies)?;
            all.accepted += accepted;
        }
        Ok(all)
    }

    async fn client(&self, number: u32, ends: Instant) -> Result<Answers> {
        let (user, mut random) = (UserId::parse(&format!("user{number}"))?, random(0, Stream::User(number)));
        let mut answers = Answers { latencies: empty()?, accepted: 0 };
        let mut connection = self.way.connection().await?;
        while Instant::now() < ends {
            let amount = match self.bids {
                Bids::AboveAll => self.price.fetch_add(1, Ordering::Relaxed) + 1,
                Bids::Racing => self.price.load(Ordering::Relaxed) + random.random_range(1..=STEPS),
            };
            let amount = Amount::from_minor_units(amount).context("the price is too high")?;
            let key = self.keyed.then(|| Uuid::now_v7().to_string());
            let idempotency_key = key.map(|key| IdempotencyKey::parse(&key)).transpose()?;
            let bid = Bid { item: self.item.clone(), user: user.clone(), amount, idempotency_key };
            let sent = Instant::now();
            let told = self.way.answer(&bid, connection.as_mut()).await?;
            answers.latencies.saturating_record(sent.elapsed().as_micros() as u64);
            answers.accepted += u64::from(told.is_accepted);
            self.price.fetch_max(told.price.map_or(0, Amount::minor_units), Ordering::Relaxed);
        }
        Ok(answers)
    }
}
