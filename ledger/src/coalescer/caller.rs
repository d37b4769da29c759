//! Who calls for those who wait.

use std::collections::HashMap;

use auction::ItemId;
use tokio::time::Instant;

use super::{Coalescer, Queue, Waiting};
use crate::{LedgerError, limits};

/// Calls for an item for as long as somebody waits.
pub(super) struct Caller {
    coalescer: Coalescer,
    item: ItemId,
    has_left: bool,
}

impl Caller {
    pub(super) fn new(coalescer: Coalescer, item: ItemId) -> Self {
        Self { coalescer, item, has_left: false }
    }

    pub(super) async fn call(mut self) {
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
