//! Bids on one item that come at once are judged in one call.
//!
//! While a call for an item is under way, what else is bid on it waits, and goes together in the next one: Redis, which has
//! one thread for everybody, then pays for one call instead of many. A bid that comes alone waits for nothing.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auction::{Bid, ItemId};
use tokio::{sync::oneshot, time::Instant};

use crate::{Judged, Ledger, LedgerError, NewIds, limits};

/// Cloning it shares what waits.
#[derive(Clone)]
pub struct Coalescer {
    ledger: Ledger,
    unlisted_allowed: bool,
    /// Items with a call under way, and what is to go in the next.
    items: Arc<Mutex<HashMap<ItemId, Vec<Waiting>>>>,
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
        let item = bid.item.clone();
        let waiting = Waiting { bid, ids, since: Instant::now(), answer };
        match self.items().entry(item.clone()) {
            Entry::Occupied(mut under_way) => under_way.get_mut().push(waiting),
            Entry::Vacant(none) => {
                none.insert(vec![waiting]);
                tokio::spawn(Calls { coalescer: self.clone(), item, is_over: false }.make());
            }
        }
        answered.await.unwrap_or(Err(LedgerError::TimedOut))
    }

    fn items(&self) -> MutexGuard<'_, HashMap<ItemId, Vec<Waiting>>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The calls for an item, for as long as somebody waits.
struct Calls {
    coalescer: Coalescer,
    item: ItemId,
    /// Nobody waits, and the next bid begins anew.
    is_over: bool,
}

impl Calls {
    async fn make(mut self) {
        while let Some(batch) = self.next_batch() {
            let bids: Vec<_> = batch.iter().map(|waiting| (&waiting.bid, waiting.ids)).collect();
            // The first has waited the longest: nobody waits for more than the deadline.
            let until = batch[0].since + limits::CALL_DEADLINE;
            let Coalescer { ledger, unlisted_allowed, .. } = &self.coalescer;
            let outcome = ledger.judge(&self.item, &bids, *unlisted_allowed, None, until).await;
            let judged = outcome.unwrap_or_else(|error| vec![Err(error); batch.len()]);
            for (waiting, judged) in batch.into_iter().zip(judged) {
                let _ = waiting.answer.send(judged);
            }
        }
    }

    fn next_batch(&mut self) -> Option<Vec<Waiting>> {
        let mut items = self.coalescer.items();
        let waiting = items.get_mut(&self.item)?;
        // A bid whose bidder has gone, or that is too late, is not sent.
        waiting.retain(|one| !one.answer.is_closed() && one.since.elapsed() < limits::CALL_DEADLINE);
        if waiting.is_empty() {
            items.remove(&self.item);
            self.is_over = true;
            return None;
        }
        let length = waiting.len().min(limits::BATCH_LENGTH_MAX);
        Some(waiting.drain(..length).collect())
    }
}

/// If the calls end before their time, whoever waits is told.
impl Drop for Calls {
    fn drop(&mut self) {
        if !self.is_over {
            self.coalescer.items().remove(&self.item);
        }
    }
}
