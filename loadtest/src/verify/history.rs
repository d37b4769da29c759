//! The history of each item as PostgreSQL has it: what everything else is held against.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use auction::{AuctionEvent, Happening, Position};
use uuid::Uuid;

use super::findings::{Findings, Rule};
use super::promises::Key;
use super::windows::Windows;
use crate::record::{ArchivedEvent, BidRow, crc};

#[derive(Default)]
pub(super) struct History {
    numbers: HashMap<String, u32>,
    /// By number.
    items: Vec<Item>,
    /// Of each event id, the number of its item and its index there.
    by_id: HashMap<Uuid, (u32, u32)>,
    users: HashSet<Arc<str>>,
}

struct Item {
    name: String,
    events: Vec<Event>,
}

/// An archived bid, and what the requests say of it.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) position: Position,
    pub(super) id: Uuid,
    pub(super) user: Arc<str>,
    pub(super) amount: u64,
    /// By the clock of Redis, microseconds since 1970.
    pub(super) at: u64,
    pub(super) crc: u32,
    /// When it was first sent, and first answered to be accepted.
    pub(super) first_sent: u64,
    pub(super) first_answered: u64,
    /// The earliest answer to any later event of the item.
    pub(super) later_answered: u64,
    /// Who has sent it and got no answer.
    pub(super) unanswered: Unanswered,
}

/// Requests for a bid that got no answer, and may be those that were accepted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Unanswered {
    #[default]
    None,
    /// All under one key, the last of them given up at this time.
    Under(Key, u64),
    Several,
}

impl Unanswered {
    pub(super) fn add(&mut self, key: Option<Key>, answered: u64) {
        *self = match (*self, key) {
            (Self::None, Some(key)) => Self::Under(key, answered),
            (Self::Under(before, _), Some(key)) if before == key => Self::Under(key, answered),
            _ => Self::Several,
        };
    }
}

impl History {
    /// Takes rows in their order.
    pub(super) fn add(&mut self, row: &ArchivedEvent, windows: &Windows, findings: &mut Findings) {
        let place = format!("{} at ({}, {})", row.item, row.epoch, row.seq);
        let (Some(id), Some(payload)) = (row.event, row.payload.as_deref()) else {
            return findings.violation(Rule::Archive, || format!("{place} is a bid without an event: {row:?}"));
        };
        let event = match AuctionEvent::from_json(payload.as_bytes()) {
            Ok(event) => event,
            Err(error) => return findings.violation(Rule::Archive, || format!("{place} cannot be read: {error}")),
        };
        let Happening::Bid(bid) = &event.happening;
        let position = Position { epoch: row.epoch, seq: row.seq };
        let (user, amount, previous) =
            (bid.user_id.to_string(), bid.amount.minor_units(), bid.previous_bid.minor_units());
        let is_as_in_columns = event.position == position && event.event_id == id && event.item_id.as_str() == row.item;
        let in_bids = BidRow { user: user.clone(), amount, previous };
        if !is_as_in_columns || row.bid.as_ref() != Some(&in_bids) {
            findings.violation(Rule::Archive, || {
                format!("{place}: {payload} does not say what its columns and its bid do: {:?}", row.bid)
            });
        }
        let at = event.timestamp.microseconds().unsigned_abs();
        let user = self.user(&user);
        let number = self.number(&row.item);
        let events = &mut self.items[number as usize].events;
        let (seq_before, price_before) = events.last().map_or((0, 0), |last| (last.position.seq, last.amount));
        let follows = || format!("{place}, {amount} after {previous}, follows seq {seq_before} and {price_before}");
        // What stands before it may be what Redis lost, while this had reached somebody else.
        let is_behind_a_loss = row.seq > seq_before + 1 && amount > price_before && windows.may_lose_of(at);
        let is_next = row.seq == seq_before + 1 && previous == price_before && amount > price_before;
        if !is_next && !is_behind_a_loss {
            findings.violation(Rule::Sequence, follows);
        }
        if let Some((other, index)) = self.by_id.insert(id, (number, events.len() as u32)) {
            findings.violation(Rule::Sequence, || format!("{place} has the id of item {other}'s event {index}"));
        }
        events.push(Event {
            position,
            id,
            user,
            amount,
            at,
            crc: crc(payload.as_bytes()),
            first_sent: u64::MAX,
            first_answered: u64::MAX,
            later_answered: u64::MAX,
            unanswered: Unanswered::None,
        });
    }

    /// Users are few, and their bids many.
    fn user(&mut self, name: &str) -> Arc<str> {
        if let Some(user) = self.users.get(name) {
            return Arc::clone(user);
        }
        let user: Arc<str> = name.into();
        self.users.insert(Arc::clone(&user));
        user
    }

    fn number(&mut self, item: &str) -> u32 {
        if let Some(number) = self.numbers.get(item) {
            return *number;
        }
        let number = self.items.len() as u32;
        self.numbers.insert(item.to_owned(), number);
        self.items.push(Item { name: item.to_owned(), events: Vec::new() });
        number
    }

    pub(super) fn events(&self, item: &str) -> &[Event] {
        let number = self.numbers.get(item);
        number.map_or(&[], |number| self.items[*number as usize].events.as_slice())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|item| item.name.as_str())
    }

    pub(super) fn len(&self) -> u64 {
        self.items.iter().map(|item| item.events.len() as u64).sum()
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = (&str, &mut [Event])> {
        self.items.iter_mut().map(|item| (item.name.as_str(), item.events.as_mut_slice()))
    }

    pub(super) fn has(&self, id: Uuid) -> bool {
        self.by_id.contains_key(&id)
    }

    pub(super) fn by_id_mut(&mut self, item: &str, id: Uuid) -> Option<&mut Event> {
        let (number, index) = *self.by_id.get(&id)?;
        let of = &mut self.items[number as usize];
        if of.name == item { of.events.get_mut(index as usize) } else { None }
    }

    /// The event of an item with this amount, if this user bid it.
    pub(super) fn by_amount_mut(&mut self, item: &str, user: &str, amount: u64) -> Option<&mut Event> {
        let events = &mut self.items[*self.numbers.get(item)? as usize].events;
        let index = events.binary_search_by_key(&amount, |event| event.amount).ok()?;
        Some(&mut events[index]).filter(|event| *event.user == *user)
    }

    /// The event with this seq, of whatever epoch.
    pub(super) fn by_seq(&self, item: &str, seq: u64) -> Option<&Event> {
        let events = self.events(item);
        // Also where seqs have a hole.
        let index = events.binary_search_by_key(&seq, |event| event.position.seq).ok()?;
        Some(&events[index])
    }
}
