//! What stands when all is over.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event of PostgreSQL, beside its row of `bids`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ArchivedEvent {
    pub item: String,
    pub epoch: u64,
    pub seq: u64,
    /// None: there is a bid here, and no event.
    pub event: Option<Uuid>,
    /// The envelope as it travelled.
    pub payload: Option<String>,
    /// What the row in `bids` at the same position says.
    pub bid: Option<BidRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidRow {
    pub user: String,
    pub amount: u64,
    pub previous: u64,
}

/// Where an item stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemStanding {
    pub item: String,
    pub epoch: u64,
    pub seq: u64,
    pub price: u64,
    pub leader: Option<String>,
    pub bids: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QuarantineRow {
    pub reason: String,
    pub detail: String,
    pub source: String,
    pub event: Option<Uuid>,
    pub item: Option<String>,
    pub epoch: Option<u64>,
    pub seq: Option<u64>,
}

/// What Redis says of an item: by the interface, and in the key that everybody may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedisStanding {
    #[serde(flatten)]
    pub standing: ItemStanding,
    /// `GET item:<id>:current_bid`
    pub price_key: Option<u64>,
}
