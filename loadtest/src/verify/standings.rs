//! Where the items stand in the end, by Redis and by PostgreSQL.

use std::collections::BTreeSet;

use super::findings::{Findings, Rule};
use super::history::History;
use super::windows::Windows;
use crate::load;
use crate::record::{ItemStanding, QuarantineRow, RedisStanding, Run};

/// What the events of an item add up to; nothing if it has none.
fn added_up(item: &str, history: &History) -> Option<ItemStanding> {
    let events = history.events(item);
    events.last().map(|last| ItemStanding {
        item: item.to_owned(),
        epoch: last.position.epoch,
        seq: last.position.seq,
        price: last.amount,
        leader: Some(last.user.to_string()),
        bids: events.len() as u64,
    })
}

/// The row of an item is what its events add up to.
pub(super) fn check_row(row: &ItemStanding, history: &History, findings: &mut Findings) {
    let added_up = added_up(&row.item, history);
    if added_up.as_ref() != Some(row) {
        findings.violation(Rule::Standing, || format!("{row:?}, but its events add up to {added_up:?}"));
    }
}

/// Redis may be in a later epoch: it begins without an event.
pub(super) fn check_redis(redis: &RedisStanding, history: &History, findings: &mut Findings) {
    let item = &redis.standing.item;
    // Nobody may have bid on it.
    let nothing = || ItemStanding { item: item.clone(), ..ItemStanding::default() };
    let mut standing = added_up(item, history).unwrap_or_else(nothing);
    standing.epoch = standing.epoch.max(redis.standing.epoch);
    let added_up = RedisStanding { price_key: (standing.price > 0).then_some(standing.price), standing };
    if added_up != *redis {
        findings.violation(Rule::Standing, || format!("{redis:?}, but the events add up to {added_up:?}"));
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
