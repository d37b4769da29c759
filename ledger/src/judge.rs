//! One bid, one round trip, one verdict.

use std::sync::LazyLock;

use auction::{AuctionEvent, Bid, Happening, ItemState, Refusal, Timestamp, Verdict};
use uuid::Uuid;

use crate::{
    Ledger, LedgerError, OutboxId,
    keys::{self, Shard},
    record, state,
};

pub(crate) static PLACE_BID: LazyLock<redis::Script> =
    LazyLock::new(|| redis::Script::new(include_str!("place_bid.lua")));

/// The ids that a bid gets if it is accepted, made by the caller: a script must not draw random numbers.
#[derive(Clone, Copy, Debug)]
pub struct NewIds {
    pub event_id: Uuid,
    pub bid_id: Uuid,
}

impl NewIds {
    pub fn random() -> Self {
        Self { event_id: Uuid::now_v7(), bid_id: Uuid::now_v7() }
    }
}

/// The script's judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub verdict: Verdict,
    /// The bid was accepted before, under the same idempotency key: verdict, item and event are those of then.
    pub is_repetition: bool,
    /// The item after the verdict.
    pub item: ItemState,
    /// The events that came of it, each with its place in the outbox when it was accepted: none of a refusal.
    pub events: Vec<Placed>,
}

/// An event in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub outbox_id: OutboxId,
    pub event: AuctionEvent,
}

impl Ledger {
    /// Judges a bid by the clock of Redis. It is sent once: after [`LedgerError::Unavailable`] and
    /// [`LedgerError::TimedOut`] it may have been accepted all the same.
    ///
    /// `unlisted_allowed`: an item that nobody created starts with its first bid.
    pub async fn place_bid(&self, bid: &Bid, ids: NewIds, unlisted_allowed: bool) -> Result<Judged, LedgerError> {
        self.judge(bid, ids, unlisted_allowed, None).await
    }

    /// [`Ledger::place_bid`] at a given time instead of the clock's, to test the script beside the rule.
    pub async fn place_bid_at(&self, bid: &Bid, ids: NewIds, now: Timestamp) -> Result<Judged, LedgerError> {
        self.judge(bid, ids, true, Some(now)).await
    }

    async fn judge(
        &self,
        bid: &Bid,
        ids: NewIds,
        unlisted_allowed: bool,
        now: Option<Timestamp>,
    ) -> Result<Judged, LedgerError> {
        let shard = Shard::of(&bid.item);
        // Not through redis::Script::invoke, which loads a missing script by itself: that the script is missing is the
        // sign that this Redis has restarted and must be checked before it may judge again.
        let mut command = redis::cmd("EVALSHA");
        let key = bid.idempotency_key.as_ref();
        command.arg(PLACE_BID.get_hash()).arg(if key.is_some() { 7 } else { 5 });
        command.arg(keys::state(&bid.item)).arg(keys::log(&bid.item)).arg(shard.outbox()).arg(shard.epoch());
        if key.is_some() {
            command.arg(&keys::idempotency(&bid.item));
        }
        command.arg(keys::current_bid(&bid.item));
        command.arg(bid.item.as_str()).arg(bid.amount.minor_units()).arg(bid.user.as_str());
        command.arg(ids.event_id.to_string()).arg(ids.bid_id.to_string()).arg(u8::from(unlisted_allowed));
        command.arg(now.map_or(String::new(), |now| now.microseconds().to_string()));
        command.arg(key.map(auction::IdempotencyKey::as_str));
        let reply: String = self.query_once(&command).await?;
        parse_reply(shard, &reply).ok_or_else(|| LedgerError::Corrupt(format!("not the script's reply: {reply:?}")))
    }
}

/// Reads `verdict reason state`, then a line `outbox-id record` for each event.
fn parse_reply(shard: Shard, reply: &str) -> Option<Judged> {
    let mut lines = reply.split('\n');
    let (verdict, rest) = lines.next()?.split_once(' ')?;
    let (reason, state) = rest.split_once(' ')?;
    let item = state::parse(state).ok()?;
    let events = lines.map(|line| placed(shard, line)).collect::<Option<Vec<_>>>()?;
    let is_repetition = verdict == "repeated";
    let verdict = match (verdict, events.first()) {
        ("accepted" | "repeated", Some(Placed { event, .. })) => accepted(event),
        ("key_reused", None) => Verdict::KeyReused,
        ("refused", None) => Verdict::Refused(Refusal::parse(reason)?),
        ("unknown_item", None) => Verdict::UnknownItem,
        _ => return None,
    };
    Some(Judged { verdict, is_repetition, item, events })
}

fn placed(shard: Shard, line: &str) -> Option<Placed> {
    let (entry, record) = line.split_once(' ')?;
    Some(Placed { outbox_id: OutboxId::new(shard, entry)?, event: record::parse(record).ok()? })
}

fn accepted(event: &AuctionEvent) -> Verdict {
    let Happening::Bid(bid) = &event.happening;
    Verdict::Accepted { position: event.position, previous_bid: bid.previous_bid, at: event.timestamp }
}
