//! What the bidders know of the items: the highest price anybody was told, and some bids that were accepted.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::record::Known;

/// Accepted bids that are remembered of each item.
const REMEMBERED: usize = 32;

pub(super) struct Market {
    items: Vec<Item>,
}

#[derive(Default)]
struct Item {
    price: AtomicU64,
    seq: AtomicU64,
    accepted: Mutex<Vec<Accepted>>,
}

/// An accepted bid with a key.
#[derive(Clone)]
pub(super) struct Accepted {
    pub(super) user: String,
    pub(super) key: String,
    pub(super) amount: u64,
}

impl Market {
    pub(super) fn new(items: u32) -> Self {
        Self { items: (0..items).map(|_| Item::default()).collect() }
    }

    pub(super) fn known(&self, item: u32) -> Known {
        let Item { price, seq, .. } = &self.items[item as usize];
        Known { price: price.load(Ordering::Relaxed), seq: seq.load(Ordering::Relaxed) }
    }

    /// Prices only rise, and after Redis has lost some they are soon where they were.
    pub(super) fn learn(&self, item: u32, price: u64, seq: u64) {
        self.items[item as usize].price.fetch_max(price, Ordering::Relaxed);
        self.items[item as usize].seq.fetch_max(seq, Ordering::Relaxed);
    }

    pub(super) fn remember(&self, item: u32, bid: Accepted, dice: u64) {
        let mut accepted = self.items[item as usize].accepted.lock().expect("nobody panics with it");
        if accepted.len() < REMEMBERED {
            accepted.push(bid);
        } else {
            accepted[dice as usize % REMEMBERED] = bid;
        }
    }

    pub(super) fn some_accepted(&self, item: u32, dice: u64) -> Option<Accepted> {
        let accepted = self.items[item as usize].accepted.lock().expect("nobody panics with it");
        (!accepted.is_empty()).then(|| accepted[dice as usize % accepted.len()].clone())
    }
}
