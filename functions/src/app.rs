//! What every request may use.

use std::sync::Arc;

use anyhow::Context;
use ledger::{Coalescer, Ledger, LedgerError, Placed};
use tokio_util::task::TaskTracker;

use crate::{Config, contact::Contact, publisher::Publisher, queue::Queue, watch::Watch};

#[derive(Clone)]
pub struct App {
    pub(crate) ledger: Ledger,
    pub(crate) coalescer: Coalescer,
    pub(crate) publisher: Arc<Publisher>,
    /// Only where SQS feeds the archive.
    queue: Option<Arc<Queue>>,
    pub(crate) unlisted_items_allowed: bool,
    /// Bids under way, which go on when their bidder hangs up.
    pub(crate) bids: TaskTracker,
    redis: Arc<Watch>,
    redis_contact: Arc<Contact>,
}

impl App {
    /// Touches the network only in the background: a cold start waits for nothing, and whatever is down may come later.
    pub async fn new(config: &Config) -> anyhow::Result<Self> {
        let ledger = Ledger::new(&config.redis_url).context("REDIS_URL")?;
        Ok(Self {
            coalescer: Coalescer::new(ledger.clone(), config.unlisted_items_allowed),
            ledger,
            publisher: Arc::new(Publisher::new(&config.nats_url, config.publish_deadline).await.context("NATS_URL")?),
            queue: config.queue.clone().map(|config| Arc::new(Queue::new(config))),
            unlisted_items_allowed: config.unlisted_items_allowed,
            bids: TaskTracker::new(),
            redis: Arc::default(),
            redis_contact: Arc::default(),
        })
    }

    /// Tells what happened, to whom it concerns: viewers by NATS, the archive by NATS or by its queue.
    pub(crate) async fn announce(&self, events: &[Placed]) {
        match &self.queue {
            Some(queue) => {
                tokio::join!(self.publisher.publish(events), queue.send(events));
            }
            None => self.publisher.publish(events).await,
        }
    }

    /// Finds out, and mends, whether the connection to Redis has broken while nobody looked. A bid is sent only once, so
    /// it must not be the one to find out.
    pub(crate) async fn renew_contact(&self) {
        if self.redis_contact.may_be_lost() {
            let _ = self.noted(self.ledger.ping().await);
        }
    }

    /// Notes whether Redis answered.
    pub(crate) fn noted<T>(&self, outcome: Result<T, LedgerError>) -> Result<T, LedgerError> {
        match &outcome {
            Ok(_) => {
                self.redis.works("Redis");
                self.redis_contact.answered();
            }
            Err(error @ (LedgerError::Corrupt(_) | LedgerError::Unreadable(_))) => {
                tracing::error!(%error, "the ledger")
            }
            Err(error) => self.redis.fails("Redis", error),
        }
        outcome
    }
}
