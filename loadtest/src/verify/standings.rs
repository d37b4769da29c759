//! Where the items stand in the end, by Redis and by PostgreSQL.

use super::findings::{Findings, Rule};
use super::history::History;
use super::windows::Windows;
use crate::record::{ItemRow, QuarantineRow, RedisStanding};

/// The row of an item is what its events add up to.
pub(super) fn check_row(row: &ItemRow, history: &History, findings: &mut Findings) {
    let events = history.events(&row.item);
    let added_up = events.last().map(|last| ItemRow {
        item: row.item.clone(),
        epoch: last.position.epoch,
        seq: last.position.seq,
        price: last.amount,
        leader: Some(last.user.clone()),
        bids: events.len() as u64,
    });
    if added_up.as_ref() != Some(row) {
        findings.violation(Rule::Standing, || format!("{row:?}, but its events add up to {added_up:?}"));
    }
}

/// Redis may be in a later epoch: it begins without an event.
pub(super) fn check_redis(standing: &RedisStanding, history: &History, findings: &mut Findings) {
    let events = history.events(&standing.item);
    let (position, price, leader) =
        events.last().map_or_else(Default::default, |last| (last.position, last.amount, Some(last.user.clone())));
    let added_up = RedisStanding {
        item: standing.item.clone(),
        epoch: standing.epoch.max(position.epoch),
        seq: position.seq,
        price,
        leader,
        bids: events.len() as u64,
        // Nobody may have bid on it.
        price_key: (price > 0).then_some(price),
    };
    if added_up != *standing {
        findings.violation(Rule::Standing, || format!("{standing:?}, but the events add up to {added_up:?}"));
    }
}

/// Nobody has sent what cannot be archived; so only what Redis has lost may have been set aside.
pub(super) fn check_set_aside(row: &QuarantineRow, windows: &Windows, findings: &mut Findings) {
    if row.reason != "lost" || !windows.may_lose_at_all() {
        findings.violation(Rule::Archive, || format!("set aside: {row:?}"));
    }
}
