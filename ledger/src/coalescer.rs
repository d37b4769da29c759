//! Bids on one item that come at once are judged in one call.
//!
//! While a call for an item is under way, what else is bid on it waits, and goes together in the next one: Redis, which has
//! one thread for everybody, then pays for one call instead of many. A bid that comes alone waits for nothing, and neither
//! does a batch that is full.

mod caller;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auction::{Bid, ItemId};
use tokio::{sync::oneshot, time::Instant};

use self::caller::Caller;
use crate::{Judged, Ledger, LedgerError, NewIds, limits};

/// Cloning it shares what waits. It holds no more bids than its callers have under way.
#[derive(Clone)]
pub struct Coalescer {
    ledger: Ledger,
    unlisted_allowed: bool,
    /// Those that are bid on at the moment.
    items: Arc<Mutex<HashMap<ItemId, Queue>>>,
}

/// Of one item.
#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// How many tasks take from it.
    callers: usize,
}

struct Waiting {
    bid: Bid,
    ids: NewIds,
    since: Instant,
    answer: oneshot::Sender<Result<Judged, LedgerError>>,
}

impl Coalescer {
    /// `unlisted_allowed`: an item that nobody created starts with its first bid.
    pub fn new(ledger: Ledger, unlisted_allowed: bool) -> Self {
        Self { ledger, unlisted_allowed, items: Arc::default() }
    }

    /// Judges a bid as [`Ledger::place_bid`] does, with a deadline that counts from now. A bid that would have to wait too
    /// long for others is [`LedgerError::NotSent`]; nor is it sent if this future is dropped before its call.
    pub async fn place_bid(&self, bid: Bid, ids: NewIds) -> Result<Judged, LedgerError> {
        let (answer, answered) = oneshot::channel();
        if let Some(caller) = self.add(Waiting { bid, ids, since: Instant::now(), answer }) {
            tokio::spawn(caller.call());
        }
        // Without an answer the call was cut off: by a panic, or with the process.
        answered.await.unwrap_or(Err(LedgerError::TimedOut))
    }

    /// Another caller, if one is needed.
    fn add(&self, waiting: Waiting) -> Option<Caller> {
        let item = waiting.bid.item.clone();
        let mut items = self.items();
        let queue = items.entry(item.clone()).or_default();
        queue.waiting.push(waiting);
        let is_needed = queue.callers == 0 || queue.waiting.len().is_multiple_of(limits::BATCH_LENGTH_MAX);
        queue.callers += usize::from(is_needed);
        is_needed.then(|| Caller::new(self.clone(), item))
    }

    fn items(&self) -> MutexGuard<'_, HashMap<ItemId, Queue>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
