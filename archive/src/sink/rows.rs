//! A batch as columns, the form in which one statement takes many rows.

use auction::Happening;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Delivery;

/// One entry of each column for each different event, sorted by position.
#[derive(Default)]
pub(super) struct Rows<'a> {
    pub(super) item_id: Vec<&'a str>,
    pub(super) epoch: Vec<i64>,
    pub(super) seq: Vec<i64>,
    pub(super) kind: Vec<&'a str>,
    pub(super) event_id: Vec<Uuid>,
    pub(super) occurred_at: Vec<OffsetDateTime>,
    pub(super) payload: Vec<&'a str>,
    pub(super) bid_id: Vec<Uuid>,
    pub(super) user_id: Vec<&'a str>,
    /// Minor units, at most 15 digits.
    pub(super) amount: Vec<i64>,
    /// Minor units, at most 15 digits.
    pub(super) previous_bid: Vec<i64>,
    pub(super) in_log: Vec<bool>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(deliveries: &'a [Delivery]) -> Self {
        let mut sorted: Vec<&Delivery> = deliveries.iter().collect();
        let key = |delivery: &Delivery| (delivery.event().position, delivery.event().event_id);
        // All writers take rows in one order, so that none waits for another that waits for it.
        sorted.sort_by(|a, b| a.event().item_id.cmp(&b.event().item_id).then_with(|| key(a).cmp(&key(b))));
        sorted.dedup_by(|a, b| a.event().item_id == b.event().item_id && key(a) == key(b));
        let mut rows = Self::default();
        sorted.into_iter().for_each(|delivery| rows.push(delivery));
        rows
    }

    fn push(&mut self, delivery: &'a Delivery) {
        let event = delivery.event();
        let Happening::Bid(bid) = &event.happening;
        self.item_id.push(event.item_id.as_str());
        self.epoch.push(delivery.epoch());
        self.seq.push(delivery.seq());
        self.kind.push(event.happening.kind());
        self.event_id.push(event.event_id);
        self.occurred_at.push(event.timestamp.date_time());
        self.payload.push(delivery.payload());
        self.bid_id.push(bid.bid_id);
        self.user_id.push(bid.user_id.as_str());
        self.amount.push(bid.amount.minor_units().cast_signed());
        self.previous_bid.push(bid.previous_bid.minor_units().cast_signed());
        self.in_log.push(delivery.is_in_log());
    }
}
