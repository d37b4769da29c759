//! Bids on one item that come at once are judged in one call.
//!
//! While a call for an item is under way, what else is bid on it waits, and goes together in the next one: Redis, which has
//! one thread for everybody, then pays for one call instead of many. A bid that comes alone waits for nothing, and neither
//! does a batch that is full.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auction::{Bid, ItemId};
use tokio::{sync::oneshot, time::Instant};

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

    /// Judges a bid as [`Ledger::place_bid`] does.
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
        is_needed.then(|| Caller { coalescer: self.clone(), item, has_left: false })
    }

    fn items(&self) -> MutexGuard<'_, HashMap<ItemId, Queue>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls for an item for as long as somebody waits.
struct Caller {
    coalescer: Coalescer,
    item: ItemId,
    has_left: bool,
}

impl Caller {
    async fn call(mut self) {
        while let Some(batch) = self.next_batch() {
            // The first has waited the longest, and has time enough for Redis: nobody waits for more than the deadline.
            let until = batch[0].since + limits::CALL_DEADLINE;
            let bids: Vec<_> = batch.iter().map(|one| (&one.bid, one.ids)).collect();
            let Coalescer { ledger, unlisted_allowed, .. } = &self.coalescer;
            let outcome = ledger.judge(&self.item, &bids, *unlisted_allowed, None, until).await;
            let judged = outcome.unwrap_or_else(|error| vec![Err(error); batch.len()]);
            batch.into_iter().zip(judged).for_each(|(one, judged)| drop(one.answer.send(judged)));
        }
    }

    /// `None`: nobody waits, and the next bid needs a caller.
    fn next_batch(&mut self) -> Option<Vec<Waiting>> {
        let mut items = self.coalescer.items();
        let queue = items.get_mut(&self.item)?;
        // Not those who have gone, nor those for whom it is too late to wait for as long as Redis may take.
        let now = Instant::now();
        let late = queue.waiting.extract_if(.., |one| {
            one.answer.is_closed() || now - one.since > limits::CALL_DEADLINE - limits::RESPONSE_TIMEOUT
        });
        let late: Vec<Waiting> = late.collect();
        let batch: Vec<Waiting> = queue.waiting.drain(..queue.waiting.len().min(limits::BATCH_LENGTH_MAX)).collect();
        if batch.is_empty() {
            leave(&mut items, &self.item);
            self.has_left = true;
        }
        drop(items);
        turn_away(late);
        (!batch.is_empty()).then_some(batch)
    }
}

/// If it ends before its time, and is the last, nobody calls for those who wait.
impl Drop for Caller {
    fn drop(&mut self) {
        if !self.has_left {
            let abandoned = leave(&mut self.coalescer.items(), &self.item);
            turn_away(abandoned);
        }
    }
}

/// One caller less; those who wait if it was the last.
fn leave(items: &mut HashMap<ItemId, Queue>, item: &ItemId) -> Vec<Waiting> {
    let Some(queue) = items.get_mut(item) else { return Vec::new() };
    queue.callers -= 1;
    match queue.callers {
        0 => items.remove(item).map(|queue| queue.waiting).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn turn_away(bids: Vec<Waiting>) {
    bids.into_iter().for_each(|one| drop(one.answer.send(Err(LedgerError::NotSent))));
}
