//! What the answers to one idempotency key have promised.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use uuid::Uuid;

use crate::record::Request;

/// The first accepted answer to a key, or that it was accepted without an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promise {
    pub(super) event: Uuid,
    pub(super) sent: u64,
    pub(super) answered: u64,
    /// CRC of the body, if somebody was told.
    pub(super) body: Option<u32>,
    /// Whether an answer did not say that it repeats another.
    pub(super) is_given: bool,
    /// Another stood before it, which Redis has lost.
    pub(super) is_second: bool,
}

/// Item, user and key: a hash of 128 bits, since keys are long, and many.
pub(super) type Key = u128;

#[derive(Default)]
pub(super) struct Promises {
    hashers: [RandomState; 2],
    by_key: HashMap<Key, Promise>,
}

impl Promises {
    pub(super) fn key(&self, request: &Request) -> Option<Key> {
        let key = (&request.item, &request.user, request.key.as_ref()?);
        let [high, low] = self.hashers.each_ref().map(|hasher| u128::from(hasher.hash_one(key)));
        Some(high << 64 | low)
    }

    pub(super) fn of(&self, request: &Request) -> Option<&Promise> {
        self.by_key.get(&self.key(request)?)
    }

    /// The promise that stands for the key: this one, if there was none.
    pub(super) fn enter(&mut self, key: Key, promise: Promise) -> &mut Promise {
        self.by_key.entry(key).or_insert(promise)
    }
}
