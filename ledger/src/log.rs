//! An item's log: every event in order, for replay and for the list of recent bids.

use auction::{AuctionEvent, ItemId, Position};
use redis::streams::{StreamId, StreamRangeReply};

use crate::{Ledger, LedgerError, keys, record};

/// A part of a log, read in one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// The first event that the log still has; older ones are in PostgreSQL only. `None`: the log is empty.
    pub oldest: Option<Position>,
    pub events: Vec<AuctionEvent>,
}

impl Ledger {
    /// The first `limit` events after `seq`, in order.
    pub async fn events_after(&self, item: &ItemId, seq: u64, limit: usize) -> Result<LogPage, LedgerError> {
        let log = keys::log(item);
        let mut commands = redis::pipe();
        // One transaction: a page and its oldest seq must not straddle a trimming.
        commands.atomic();
        commands.cmd("XRANGE").arg(&log).arg("-").arg("+").arg("COUNT").arg(1);
        commands.cmd("XRANGE").arg(&log).arg(format!("({seq}-0")).arg("+").arg("COUNT").arg(limit.max(1));
        let (first, page): (StreamRangeReply, StreamRangeReply) = self.query_all(&commands).await?;
        let oldest = first.ids.first().map(event).transpose()?.map(|event| event.position);
        let events = page.ids.iter().take(limit).map(event).collect::<Result<_, _>>()?;
        Ok(LogPage { oldest, events })
    }
}

pub(crate) fn event(entry: &StreamId) -> Result<AuctionEvent, LedgerError> {
    let text: Option<String> = entry.get("r");
    record::parse(&text.ok_or_else(|| LedgerError::Corrupt(format!("the entry {} has no record", entry.id)))?)
}
