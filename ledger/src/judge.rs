//! Bids on one item: one round trip, a verdict on each.

use std::sync::LazyLock;

use auction::{AuctionEvent, Bid, IdempotencyKey, ItemId, ItemState, Timestamp, Verdict};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    Ledger, LedgerError, OutboxId,
    connect::deadline,
    keys::{self, Shard},
    reply,
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
    /// Judges a bid by the clock of Redis. It is sent once: after [`LedgerError::Unavailable`], [`LedgerError::TimedOut`]
    /// and [`LedgerError::Unreadable`] it may have been accepted all the same.
    ///
    /// `unlisted_allowed`: an item that nobody created starts with its first bid.
    pub async fn place_bid(&self, bid: &Bid, ids: NewIds, unlisted_allowed: bool) -> Result<Judged, LedgerError> {
        let mut judged = self.judge(&bid.item, &[(bid, ids)], unlisted_allowed, None, deadline()).await?;
        judged.swap_remove(0)
    }

    /// Bids on one item, in this order and by a given time instead of the clock's, to test the script beside the rule.
    pub async fn place_bids_at(
        &self,
        item: &ItemId,
        bids: &[(&Bid, NewIds)],
        now: Timestamp,
    ) -> Result<Vec<Result<Judged, LedgerError>>, LedgerError> {
        self.judge(item, bids, true, Some(now), deadline()).await
    }

    /// A judgement on each, or an error that concerns all of them.
    pub(crate) async fn judge(
        &self,
        item: &ItemId,
        bids: &[(&Bid, NewIds)],
        unlisted_allowed: bool,
        now: Option<Timestamp>,
        until: Instant,
    ) -> Result<Vec<Result<Judged, LedgerError>>, LedgerError> {
        let shard = Shard::of(item);
        // Not through redis::Script::invoke, which loads a missing script by itself: that the script is missing is the
        // sign that this Redis has restarted and must be checked before it may judge again.
        let mut command = redis::cmd("EVALSHA");
        let keyed = bids.iter().any(|(bid, _)| bid.idempotency_key.is_some());
        command.arg(PLACE_BID.get_hash()).arg(if keyed { 7 } else { 5 });
        command.arg(keys::state(item)).arg(keys::log(item)).arg(shard.outbox()).arg(shard.epoch());
        if keyed {
            command.arg(&keys::idempotency(item));
        }
        command.arg(keys::current_bid(item));
        command.arg(item.as_str()).arg(u8::from(unlisted_allowed));
        command.arg(now.map_or(String::new(), |now| now.microseconds().to_string()));
        for (bid, ids) in bids {
            command.arg(bid.amount.minor_units()).arg(bid.user.as_str());
            command.arg(ids.event_id.to_string()).arg(ids.bid_id.to_string());
            command.arg(bid.idempotency_key.as_ref().map_or("", IdempotencyKey::as_str));
        }
        let reply: Vec<u8> = self.query_once(&command, until).await?;
        reply::parse(shard, &reply, bids.len())
    }
}
