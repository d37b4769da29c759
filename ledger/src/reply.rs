//! What the script replies.

use auction::{AuctionEvent, Happening, Refusal, Verdict};

use crate::{Judged, LedgerError, OutboxId, Placed, keys::Shard, record, state};

/// A judgement on each of so many bids. What cannot be read of one leaves the others as they are.
pub(crate) fn parse(shard: Shard, reply: &[u8], bids: usize) -> Result<Vec<Result<Judged, LedgerError>>, LedgerError> {
    // Everything that can be read is ASCII.
    let reply = String::from_utf8_lossy(reply);
    let judged: Vec<_> = reply.split("\n\n").map(|judgement| judgement_on_one(shard, judgement)).collect();
    if judged.len() == bids { Ok(judged) } else { Err(unreadable(&reply)) }
}

fn judgement_on_one(shard: Shard, judgement: &str) -> Result<Judged, LedgerError> {
    if let Some(error) = judgement.strip_prefix("failed ") {
        return Err(failed(error));
    }
    judged(shard, judgement).ok_or_else(|| unreadable(judgement))
}

/// Why a bid changed nothing: by a code of the script's own, or because Redis refused to write.
fn failed(error: &str) -> LedgerError {
    let (code, detail) = error.split_once(' ').unwrap_or((error, ""));
    let error = redis::make_extension_error(code.to_owned(), Some(detail.to_owned()));
    match code {
        "NOTOPEN" => LedgerError::NotOpen,
        "CORRUPT" | "BADBID" => LedgerError::Corrupt(error.to_string()),
        _ => LedgerError::NotWritten(error),
    }
}

fn unreadable(text: &str) -> LedgerError {
    LedgerError::Unreadable(format!("{text:?}"))
}

/// Reads `verdict reason state`, then a line `outbox-id record` for each event.
fn judged(shard: Shard, judgement: &str) -> Option<Judged> {
    let mut lines = judgement.split('\n');
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
