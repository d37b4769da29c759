//! What the answers to one idempotency key have promised.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};

use uuid::Uuid;

/// The first accepted answer to a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promise {
    pub(super) event: Uuid,
    pub(super) sent: u64,
    pub(super) answered: u64,
}

/// By a 128-bit hash: keys are long, and many.
#[derive(Default)]
pub(super) struct Promises {
    hashers: [RandomState; 2],
    first: HashMap<u128, Promise>,
}

impl Promises {
    /// The promise that stands for the key: this one, if there was none.
    pub(super) fn enter(&mut self, key: (&str, &str, &str), promise: Promise) -> Promise {
        let [high, low] = self.hashers.each_ref().map(|hasher| u128::from(hasher.hash_one(key)));
        match self.first.entry(high << 64 | low) {
            Entry::Occupied(first) => *first.get(),
            Entry::Vacant(place) => *place.insert(promise),
        }
    }

    /// From now on another promise stands.
    pub(super) fn replace(&mut self, key: (&str, &str, &str), promise: Promise) {
        let [high, low] = self.hashers.each_ref().map(|hasher| u128::from(hasher.hash_one(key)));
        self.first.insert(high << 64 | low, promise);
    }
}
