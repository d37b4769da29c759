//! The names of all keys in Redis.
//!
//! | key | type | holds |
//! |---|---|---|
//! | `a:{sNN}:i:<item>` | string | the item's state |
//! | `a:{sNN}:l:<item>` | stream | the item's log, ids `<seq>-0` |
//! | `a:{sNN}:k0:<item>`, `k1` | hashes | accepted bids by idempotency key and user, of even and of odd days |
//! | `a:{sNN}:out` | stream | the shard's outbox |
//! | `a:{sNN}:epoch` | string | the epoch that new items of the shard start in |
//! | `a:shards` | string | how many shards the keys above were made for |
//! | `a:opened` | string | the replication id of the Redis that was opened for bids last |
//! | `item:<item>:current_bid` | string | the price as decimal text, for readers by hand |
//!
//! `NN` is the CRC-16 of the item's id modulo 64. An item and its shard's outbox share the hash tag `{sNN}`, so that
//! one script may touch both in a Redis Cluster and one reader can follow a whole shard.

use auction::ItemId;

/// Fixed by the data: another number would look for an item in the wrong place, so it is checked against `a:shards`.
pub(crate) const SHARDS: u8 = 64;

pub(crate) const SHARD_COUNT: &str = "a:shards";
pub(crate) const REPLICATION_ID: &str = "a:opened";
/// The pattern of all states.
pub(crate) const STATES: &str = "a:{s??}:i:*";

/// A part of the items, which shares an outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Shard(u8);

impl Shard {
    pub(crate) fn of(item: &ItemId) -> Self {
        const CRC: crc::Crc<u16> = crc::Crc::<u16>::new(&crc::CRC_16_XMODEM);
        let checksum = CRC.checksum(item.as_str().as_bytes());
        Self((checksum % u16::from(SHARDS)) as u8)
    }

    pub(crate) fn new(number: u8) -> Option<Self> {
        (number < SHARDS).then_some(Self(number))
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..SHARDS).map(Self)
    }

    pub(crate) fn number(self) -> u8 {
        self.0
    }

    pub(crate) fn outbox(self) -> String {
        format!("a:{{s{:02}}}:out", self.0)
    }

    pub(crate) fn epoch(self) -> String {
        format!("a:{{s{:02}}}:epoch", self.0)
    }
}

pub(crate) fn state(item: &ItemId) -> String {
    format!("a:{{s{:02}}}:i:{item}", Shard::of(item).0)
}

/// The item whose state stands under a key.
pub(crate) fn item_of_state(key: &str) -> Option<ItemId> {
    let item = ItemId::parse(key.split_once(":i:")?.1).ok()?;
    (state(&item) == key).then_some(item)
}

pub(crate) fn log(item: &ItemId) -> String {
    format!("a:{{s{:02}}}:l:{item}", Shard::of(item).0)
}

/// The accepted bids of even and of odd days by their idempotency keys.
pub(crate) fn idempotency(item: &ItemId) -> [String; 2] {
    [0, 1].map(|parity| format!("a:{{s{:02}}}:k{parity}:{item}", Shard::of(item).0))
}

pub(crate) fn current_bid(item: &ItemId) -> String {
    format!("item:{item}:current_bid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_and_its_outbox_share_a_hash_tag_for_ever() {
        let item = ItemId::parse("contested_item_1").unwrap();
        assert_eq!(Shard::of(&item), Shard(KNOWN_SHARD));
        assert_eq!(state(&item), format!("a:{{s{KNOWN_SHARD:02}}}:i:contested_item_1"));
        assert_eq!(log(&item), format!("a:{{s{KNOWN_SHARD:02}}}:l:contested_item_1"));
        assert_eq!(Shard::of(&item).outbox(), format!("a:{{s{KNOWN_SHARD:02}}}:out"));
    }

    /// CRC-16/XMODEM, which Redis Cluster uses too, of `contested_item_1`, modulo 64.
    const KNOWN_SHARD: u8 = 24;

    #[test]
    fn items_spread_over_all_shards() {
        let mut seen = [0_u32; SHARDS as usize];
        for number in 0..6_400 {
            let item = ItemId::parse(&format!("item_{number}")).unwrap();
            seen[usize::from(Shard::of(&item).number())] += 1;
        }
        assert!(seen.iter().all(|count| (50..=200).contains(count)), "{seen:?}");
    }
}
