//! The history of each item as PostgreSQL has it: what everything else is held against.

use std::collections::HashMap;

use auction::{AuctionEvent, Happening, Position};
use uuid::Uuid;

use super::findings::{Findings, Rule};
use super::windows::Windows;
use crate::record::{ArchivedEvent, BidRow};
use crate::viewers::frame_crc;

#[derive(Default)]
pub struct History {
    items: HashMap<String, Vec<Event>>,
    /// Of each event id, the item and the index.
    by_id: HashMap<Uuid, (String, usize)>,
}

/// An archived bid, and what the requests say of it.
#[derive(Clone, Debug)]
pub struct Event {
    pub position: Position,
    pub id: Uuid,
    pub user: String,
    pub amount: u64,
    /// By the clock of Redis, microseconds since 1970.
    pub at: u64,
    pub crc: u32,
    /// When it was first sent, and first answered to be accepted.
    pub first_sent: u64,
    pub first_answered: u64,
    /// The earliest answer to any later event of the item.
    pub later_answered: u64,
}

impl History {
    /// Takes rows in their order.
    pub(super) fn add(&mut self, row: &ArchivedEvent, windows: &Windows, findings: &mut Findings) {
        let place = format!("{} at ({}, {})", row.item, row.epoch, row.seq);
        let event = match AuctionEvent::from_json(row.payload.as_bytes()) {
            Ok(event) => event,
            Err(error) => return findings.violation(Rule::Archive, || format!("{place} cannot be read: {error}")),
        };
        let Happening::Bid(bid) = &event.happening;
        let position = Position { epoch: row.epoch, seq: row.seq };
        let (user, amount, previous) =
            (bid.user_id.to_string(), bid.amount.minor_units(), bid.previous_bid.minor_units());
        let is_as_in_columns =
            event.position == position && event.event_id == row.event && event.item_id.as_str() == row.item;
        let in_bids = BidRow { user: user.clone(), amount, previous };
        if !is_as_in_columns || row.bid.as_ref() != Some(&in_bids) {
            findings.violation(Rule::Archive, || {
                format!("{place}: {} does not say what its columns and its bid do: {:?}", row.payload, row.bid)
            });
        }
        let at = event.timestamp.microseconds().unsigned_abs();
        let events = self.items.entry(row.item.clone()).or_default();
        let (seq_before, price_before) = events.last().map_or((0, 0), |last| (last.position.seq, last.amount));
        let follows = || format!("{place}, {amount} after {previous}, follows seq {seq_before} and {price_before}");
        // What stands before it may be what Redis lost, while this had reached somebody else.
        let is_behind_a_loss = row.seq > seq_before + 1 && amount > price_before && windows.may_have_lost_at(at);
        if is_behind_a_loss {
            findings.lost(follows);
        } else if row.seq != seq_before + 1 || previous != price_before || amount <= price_before {
            findings.violation(Rule::Sequence, follows);
        }
        if let Some((item, index)) = self.by_id.insert(row.event, (row.item.clone(), events.len())) {
            findings.violation(Rule::Sequence, || format!("{place} has the event id of {item}, number {index}"));
        }
        events.push(Event {
            position,
            id: row.event,
            user,
            amount,
            at,
            crc: frame_crc(row.payload.as_bytes()),
            first_sent: u64::MAX,
            first_answered: u64::MAX,
            later_answered: u64::MAX,
        });
    }

    pub fn events(&self, item: &str) -> &[Event] {
        self.items.get(item).map_or(&[], Vec::as_slice)
    }

    pub(super) fn len(&self) -> u64 {
        self.items.values().map(|events| events.len() as u64).sum()
    }

    pub(super) fn items_mut(&mut self) -> impl Iterator<Item = (&String, &mut Vec<Event>)> {
        self.items.iter_mut()
    }

    pub(super) fn by_id_mut(&mut self, item: &str, id: Uuid) -> Option<&mut Event> {
        let (of, index) = self.by_id.get(&id)?;
        if of != item {
            return None;
        }
        self.items.get_mut(of)?.get_mut(*index)
    }

    /// The event of an item with this amount, if this user bid it.
    pub(super) fn by_amount_mut(&mut self, item: &str, user: &str, amount: u64) -> Option<&mut Event> {
        let events = self.items.get_mut(item)?;
        let index = events.binary_search_by_key(&amount, |event| event.amount).ok()?;
        Some(&mut events[index]).filter(|event| event.user == user)
    }

    /// The event with this seq, of whatever epoch.
    pub(super) fn by_seq(&self, item: &str, seq: u64) -> Option<&Event> {
        let events = self.events(item);
        // Also where seqs have a hole.
        let index = events.binary_search_by_key(&seq, |event| event.position.seq).ok()?;
        Some(&events[index])
    }
}
