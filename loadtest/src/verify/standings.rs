//! Where the items stand in the end, by Redis and by PostgreSQL.

use std::collections::BTreeSet;

use super::findings::{Findings, Rule};
use super::history::History;
use super::windows::Windows;
use crate::load;
use crate::record::{ItemRow, QuarantineRow, RedisStanding, Run};

/// The row of an item is what its events add up to.
pub(super) fn check_row(row: &ItemRow, history: &History, findings: &mut Findings) {
    let events = history.events(&row.item);
    let added_up = events.last().map(|last| ItemRow {
        item: row.item.clone(),
        epoch: last.position.epoch,
        seq: last.position.seq,
        price: last.amount,
        leader: Some(last.user.to_string()),
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
        events.last().map_or_else(Default::default, |last| (last.position, last.amount, Some(last.user.to_string())));
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

/// Every item has its row and its standing.
pub(super) fn check_complete(
    rows: &BTreeSet<String>,
    standings: &BTreeSet<String>,
    run: &Run,
    history: &History,
    findings: &mut Findings,
) {
    for item in history.names().filter(|item| !rows.contains(*item)) {
        findings.violation(Rule::Standing, || format!("PostgreSQL has events of {item}, and no row"));
    }
    let loaded = (0..run.items).map(load::item);
    for item in loaded.chain(history.names().map(str::to_owned)).filter(|item| !standings.contains(item)) {
        findings.violation(Rule::Standing, || format!("nobody knows where Redis has {item}"));
    }
}

/// Nobody has sent what cannot be archived; so only what Redis has lost may have been set aside, and is not archived.
pub(super) fn check_set_aside(row: &QuarantineRow, windows: &Windows, history: &History, findings: &mut Findings) {
    let is_archived = row.event.is_some_and(|event| history.has(event));
    if row.reason != "lost" || is_archived || !windows.may_have_lost_before(u64::MAX) {
        findings.violation(Rule::Archive, || format!("set aside: {row:?}"));
    }
}
