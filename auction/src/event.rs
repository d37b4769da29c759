//! What happened to an item: the one envelope that travels to the log, the archive and every viewer.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Amount, ItemId, Timestamp, UserId};

/// Where an event stands in the history of its item.
///
/// `seq` grows by exactly one with each event of the item. `epoch` grows when Redis lost a part of the history: what
/// was numbered after the loss is not what was numbered before it. Positions compare as (epoch, seq).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    pub epoch: u64,
    pub seq: u64,
}

/// An event of an item. [`AuctionEvent::to_json`] is its only serialisation, whatever carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuctionEvent {
    pub event_id: Uuid,
    pub item_id: ItemId,
    pub position: Position,
    /// When the script accepted it, by the clock of Redis.
    pub timestamp: Timestamp,
    pub happening: Happening,
}

/// What happened. On the wire its name is the event's `type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    Bid(BidPlaced),
}

/// An accepted bid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BidPlaced {
    pub bid_id: Uuid,
    pub user_id: UserId,
    pub amount: Amount,
    /// The price before this bid; zero if it is the first.
    pub previous_bid: Amount,
}

/// The NATS subject that tells what happens to an item. An id cannot hold what NATS gives a meaning: `.`, `*`, `>`.
pub fn subject(item: &ItemId) -> String {
    format!("bid_events.{item}")
}

impl Happening {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bid(_) => "bid",
        }
    }
}

/// Why bytes are no event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error("not an event: {0}")]
    Json(#[from] serde_json::Error),
    #[error("an event of the unknown type {0:?}")]
    UnknownType(String),
}

impl AuctionEvent {
    /// ```json
    /// {"type":"bid","event_id":"…","item_id":"lot1","bid_id":"…","user_id":"alice","amount":100.01,
    ///  "previous_bid":100.00,"timestamp":"2026-11-23T17:47:43.000123Z","epoch":1,"seq":7}
    /// ```
    pub fn to_json(&self) -> String {
        let Happening::Bid(bid) = &self.happening;
        let wire = WireBid {
            kind: self.happening.kind().into(),
            event_id: self.event_id,
            item_id: self.item_id.clone(),
            bid_id: bid.bid_id,
            user_id: bid.user_id.clone(),
            amount: bid.amount,
            previous_bid: bid.previous_bid,
            timestamp: self.timestamp,
            epoch: self.position.epoch,
            seq: self.position.seq,
        };
        serde_json::to_string(&wire).expect("an event's fields always have a JSON form")
    }

    /// Reads what [`AuctionEvent::to_json`] wrote. Unknown fields are ignored: a newer writer may add some.
    pub fn from_json(json: &[u8]) -> Result<Self, EventError> {
        let Tag { kind } = serde_json::from_slice(json)?;
        if kind != "bid" {
            return Err(EventError::UnknownType(kind.into_owned()));
        }
        let wire: WireBid<'_> = serde_json::from_slice(json)?;
        Ok(Self {
            event_id: wire.event_id,
            item_id: wire.item_id,
            position: Position { epoch: wire.epoch, seq: wire.seq },
            timestamp: wire.timestamp,
            happening: Happening::Bid(BidPlaced {
                bid_id: wire.bid_id,
                user_id: wire.user_id,
                amount: wire.amount,
                previous_bid: wire.previous_bid,
            }),
        })
    }
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

/// The JSON form of a bid: flat, with the fields that the original's clients read.
#[derive(Serialize, Deserialize)]
struct WireBid<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    event_id: Uuid,
    item_id: ItemId,
    bid_id: Uuid,
    user_id: UserId,
    amount: Amount,
    previous_bid: Amount,
    timestamp: Timestamp,
    epoch: u64,
    seq: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> AuctionEvent {
        AuctionEvent {
            event_id: Uuid::from_u128(1),
            item_id: ItemId::parse("lot1").unwrap(),
            position: Position { epoch: 2, seq: 7 },
            timestamp: Timestamp::from_microseconds(1_795_456_063_000_123).unwrap(),
            happening: Happening::Bid(BidPlaced {
                bid_id: Uuid::from_u128(2),
                user_id: UserId::parse("alice").unwrap(),
                amount: Amount::parse("100.01").unwrap(),
                previous_bid: Amount::ZERO,
            }),
        }
    }

    #[test]
    fn the_wire_form_is_pinned() {
        insta::assert_snapshot!(event().to_json(), @r#"{"type":"bid","event_id":"00000000-0000-0000-0000-000000000001","item_id":"lot1","bid_id":"00000000-0000-0000-0000-000000000002","user_id":"alice","amount":100.01,"previous_bid":0.00,"timestamp":"2026-11-23T17:47:43.000123Z","epoch":2,"seq":7}"#);
    }

    #[test]
    fn an_event_is_read_back_and_a_newer_writers_fields_are_ignored() {
        let json = event().to_json();
        assert_eq!(AuctionEvent::from_json(json.as_bytes()).unwrap(), event());
        let newer = json.replace("\"seq\":7", "\"seq\":7,\"colour\":\"red\"");
        assert_eq!(AuctionEvent::from_json(newer.as_bytes()).unwrap(), event());
    }

    #[test]
    fn what_is_no_event_says_so() {
        let unknown = event().to_json().replace("\"bid\"", "\"hammer\"");
        assert!(
            matches!(AuctionEvent::from_json(unknown.as_bytes()), Err(EventError::UnknownType(name)) if name == "hammer")
        );
        for bad in ["", "{}", "[]", "\u{0}", r#"{"type":"bid"}"#] {
            assert!(matches!(AuctionEvent::from_json(bad.as_bytes()), Err(EventError::Json(_))), "{bad:?}");
        }
        let hostile = event().to_json().replace("lot1", "a.b");
        assert!(AuctionEvent::from_json(hostile.as_bytes()).is_err());
    }
}
