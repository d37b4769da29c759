//! Bids as the system publishes them: accepted by Redis, told to NATS as the API tells of them.

use anyhow::{Context, Result};
use auction::{Amount, Bid, ItemId, UserId};
use ledger::{Ledger, NewIds, OutboxId, Placed};

pub(in crate::relay_cost) struct Bids {
    ledger: Ledger,
    item: ItemId,
    bidder: UserId,
    price: u64,
}

/// The first price, in minor units: all that follow have as many digits.
const FIRST_PRICE: u64 = 1_000_000;

impl Bids {
    pub(in crate::relay_cost) fn new(ledger: Ledger, item: ItemId) -> Result<Self> {
        Ok(Self { ledger, item, bidder: UserId::parse("bidder")?, price: FIRST_PRICE })
    }

    /// The relay finds by itself what NATS does not tell, 25 ms after it was accepted at the earliest: what is returned
    /// should be published by then.
    pub(super) async fn accept(&mut self, count: u32) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for _ in 0..count {
            self.price += 1;
            let amount = Amount::from_minor_units(self.price).context("the price is too high")?;
            let bid = Bid { item: self.item.clone(), user: self.bidder.clone(), amount, idempotency_key: None };
            let judged = self.ledger.place_bid(&bid, NewIds::random(), true).await?;
            let placed = judged.events.into_iter().next().context("the bid was refused")?;
            bytes.extend(publication(&placed).into_bytes());
        }
        Ok(bytes)
    }
}

/// As `functions/src/publisher.rs` does it.
fn publication(Placed { outbox_id, event }: &Placed) -> String {
    let subject = auction::event::subject(&event.item_id);
    let headers = format!("NATS/1.0\r\n{}: {outbox_id}\r\n\r\n", OutboxId::HEADER);
    let json = event.to_json();
    format!("HPUB {subject} {} {}\r\n{headers}{json}\r\n", headers.len(), headers.len() + json.len())
}
