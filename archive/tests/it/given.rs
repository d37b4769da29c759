//! Events made by hand.

use archive::Delivery;
use auction::{Amount, AuctionEvent, Bid, BidPlaced, Happening, ItemId, Position, Timestamp, UserId};
use ledger::OutboxId;
use uuid::Uuid;

pub(crate) fn item(name: &str) -> ItemId {
    ItemId::parse(name).unwrap()
}

pub(crate) fn amount(minor_units: u64) -> Amount {
    Amount::from_minor_units(minor_units).unwrap()
}

pub(crate) fn bid(item_name: &str, minor_units: u64) -> Bid {
    Bid {
        item: item(item_name),
        user: UserId::parse("alice").unwrap(),
        amount: amount(minor_units),
        idempotency_key: None,
    }
}

/// A bid at a position of epoch 1, of as many minor units as its seq.
pub(crate) fn event(item_name: &str, seq: u64) -> AuctionEvent {
    AuctionEvent {
        event_id: Uuid::now_v7(),
        item_id: item(item_name),
        position: Position { epoch: 1, seq },
        timestamp: Timestamp::from_microseconds(1_795_456_063_000_000 + seq.cast_signed()).unwrap(),
        happening: Happening::Bid(BidPlaced {
            bid_id: Uuid::now_v7(),
            user_id: UserId::parse(&format!("user_{seq}")).unwrap(),
            amount: amount(seq),
            previous_bid: amount(seq - 1),
        }),
    }
}

pub(crate) fn with_amounts(mut event: AuctionEvent, amount: Amount, previous_bid: Amount) -> AuctionEvent {
    let Happening::Bid(bid) = &mut event.happening;
    (bid.amount, bid.previous_bid) = (amount, previous_bid);
    event
}

/// With a place in the outbox that is different for each seq.
pub(crate) fn delivery(event: &AuctionEvent) -> Delivery {
    Delivery::read(event.to_json().as_bytes(), Some(outbox_id(event.position.seq))).unwrap()
}

pub(crate) fn deliveries(events: &[AuctionEvent]) -> Vec<Delivery> {
    events.iter().map(delivery).collect()
}

pub(crate) fn outbox_id(entry: u64) -> OutboxId {
    OutboxId::parse(&format!("17:{entry}-0")).unwrap()
}
