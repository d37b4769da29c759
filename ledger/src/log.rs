//! An item's log: every event in order, for replay and for the list of recent bids.
//!
//! The seq of an item rises by one with each event, through all epochs. After Redis lost a part of the history the item
//! goes on in a later epoch from what is left of it, so a position that somebody remembers may be none of this history.
//!
//! An event of a newer version that this one cannot read is passed over: readers find a hole there and go on behind it.

mod anchor;

use auction::{AuctionEvent, ItemId, Position};
use redis::streams::{StreamId, StreamRangeReply};

use crate::{Ledger, LedgerError, keys, record};

/// A part of a log, read in one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// The first event that the log still has; older ones are in PostgreSQL only. `None`: the log is empty.
    pub oldest: Option<Position>,
    /// What the log has at the seq that was asked for.
    pub anchor: Option<Position>,
    pub continuity: Continuity,
    /// In order, all after the position that was asked for.
    pub events: Vec<AuctionEvent>,
    /// The log ends here.
    pub is_last: bool,
}

/// How the events of a page follow the position that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuity {
    /// They are what followed it, from its very next event on.
    Unbroken,
    /// They are later ones: the next events have left the log.
    Trimmed,
    /// The position is none of this history: Redis has lost it.
    Lost,
}

impl Ledger {
    /// The first `limit` events after a position, in order.
    pub async fn events_after(&self, item: &ItemId, after: Position, limit: usize) -> Result<LogPage, LedgerError> {
        let log = keys::log(item);
        let mut commands = redis::pipe();
        // One transaction: a page and its oldest seq must not straddle a trimming.
        commands.atomic();
        commands.cmd("XRANGE").arg(&log).arg("-").arg("+").arg("COUNT").arg(1);
        let length = limit.saturating_add(1).max(2);
        commands.cmd("XRANGE").arg(&log).arg(format!("{}-0", after.seq.max(1))).arg("+").arg("COUNT").arg(length);
        let (first, page): (StreamRangeReply, StreamRangeReply) = self.query_all(&commands).await?;
        let oldest = first.ids.first().map(|entry| Entry::read(entry).position);
        let mut entries: Vec<Entry> = page.ids.iter().map(Entry::read).collect();
        let positions: Vec<Position> = entries.iter().map(|entry| entry.position).collect();
        let continuity = Continuity::of(after, oldest, &positions);
        let mut is_last = entries.len() < length;
        if continuity == Continuity::Lost {
            entries = self.later_than(item, oldest, after, length).await?;
            is_last = entries.len() < length;
        } else {
            entries.retain(|entry| entry.position.seq > after.seq);
        }
        is_last &= entries.len() <= limit;
        entries.truncate(limit);
        let anchor = positions.first().copied().filter(|position| position.seq == after.seq);
        let events = entries.into_iter().filter_map(|entry| entry.event).collect();
        Ok(LogPage { oldest, anchor, continuity, events, is_last })
    }

    /// The first entries of any history that come after a position, found by halving: positions rise with the seq.
    async fn later_than(
        &self,
        item: &ItemId,
        oldest: Option<Position>,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Entry>, LedgerError> {
        let Some(oldest) = oldest else { return Ok(Vec::new()) };
        let mut low = oldest.seq;
        let mut high = self.standing(item).await?.state().position.seq.saturating_add(1);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.range(item, middle, 1).await?.first() {
                Some(entry) if entry.position <= after => low = entry.position.seq + 1,
                _ => high = middle,
            }
        }
        self.range(item, low, limit).await
    }

    async fn range(&self, item: &ItemId, first_seq: u64, limit: usize) -> Result<Vec<Entry>, LedgerError> {
        let mut command = redis::cmd("XRANGE");
        command.arg(keys::log(item)).arg(format!("{first_seq}-0")).arg("+").arg("COUNT").arg(limit);
        let range: StreamRangeReply = self.query(&command).await?;
        Ok(range.ids.iter().map(Entry::read).collect())
    }
}

/// An entry, and the event if this version can read it.
struct Entry {
    position: Position,
    event: Option<AuctionEvent>,
}

impl Entry {
    fn read(entry: &StreamId) -> Self {
        if let Ok(event) = event(entry) {
            return Self { position: event.position, event: Some(event) };
        }
        let seq = entry.id.split('-').next().and_then(|seq| seq.parse().ok()).unwrap_or(0);
        let epoch = entry.get::<String>("r").and_then(|record| record::epoch(&record));
        Self { position: Position { epoch: epoch.unwrap_or(0), seq }, event: None }
    }
}

pub(crate) fn event(entry: &StreamId) -> Result<AuctionEvent, LedgerError> {
    let text: Option<String> = entry.get("r");
    record::parse(&text.ok_or_else(|| LedgerError::Corrupt(format!("the entry {} has no record", entry.id)))?)
}
