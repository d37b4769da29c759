//! What the answers to one idempotency key have promised.

use std::collections::HashMap;
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

/// Item, user and key.
pub(super) type Key<'a> = (&'a str, &'a str, &'a str);

impl Promises {
    /// The promise that stands for the key: this one, if there was none.
    pub(super) fn enter(&mut self, key: Key<'_>, promise: Promise) -> Promise {
        *self.first.entry(self.hash(key)).or_insert(promise)
    }

    /// From now on another promise stands.
    pub(super) fn replace(&mut self, key: Key<'_>, promise: Promise) {
        self.first.insert(self.hash(key), promise);
    }

    pub(super) fn get(&self, key: Key<'_>) -> Option<&Promise> {
        self.first.get(&self.hash(key))
    }

    fn hash(&self, key: Key<'_>) -> u128 {
        let [high, low] = self.hashers.each_ref().map(|hasher| u128::from(hasher.hash_one(key)));
        high << 64 | low
    }
}
