//! What bidders send, and what they are answered.

use auction::Position;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A request, from just before it was sent until its answer was there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// When it should have been sent.
    pub due: u64,
    pub sent: u64,
    pub answered: u64,
    pub item: String,
    pub user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub amount: u64,
    pub expected: Expected,
    /// What its bidder had been told of the item before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
    /// Which sandbox has answered, by its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Sandbox>,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Known {
    pub price: u64,
    pub seq: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sandbox {
    pub id: String,
    pub is_cold: bool,
}

/// What the load has sent.
#[derive(Clone, Debug)]
pub enum Sent {
    Bid(Request),
    /// It changes nothing, and is not recorded.
    Look(Look),
}

/// A look at an item.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub due: u64,
    pub sent: u64,
    pub answered: u64,
    /// Whether it was told where the item stands.
    pub is_answered: bool,
}

impl Request {
    /// From when it was due until it was answered.
    pub fn latency(&self) -> u64 {
        self.answered.saturating_sub(self.due)
    }
}

/// What a request must be answered while Redis and the functions are up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// A verdict.
    Judgement,
    /// A refusal to judge, with this status: it is no bid, or its key belongs to another.
    Status(u16),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Accepted {
        event: Uuid,
        #[serde(flatten)]
        position: Position,
        /// The first answer, repeated.
        replayed: bool,
        /// CRC of the body: it is repeated to the letter.
        body: u32,
    },
    /// Judged and refused, with where the item stood.
    Refused {
        #[serde(flatten)]
        position: Position,
        price: u64,
    },
    /// A 4xx: nothing has happened.
    Rejected(u16),
    /// A 5xx, no answer or half an answer: it may have been accepted.
    Unknown(String),
}
