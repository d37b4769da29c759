//! Keeping the logs short. Only what PostgreSQL has leaves a log, which the caller knows.

use auction::{AuctionEvent, ItemId};
use redis::streams::StreamRangeReply;

use crate::{Ledger, LedgerError, keys, log};

impl Ledger {
    /// How many events each item's log has.
    pub async fn log_lengths(&self, items: &[ItemId]) -> Result<Vec<usize>, LedgerError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let mut commands = redis::pipe();
        for item in items {
            commands.cmd("XLEN").arg(keys::log(item));
        }
        self.query_all(&commands).await
    }

    /// The oldest events of an item's log.
    pub async fn log_head(&self, item: &ItemId, limit: usize) -> Result<Vec<AuctionEvent>, LedgerError> {
        let mut command = redis::cmd("XRANGE");
        command.arg(keys::log(item)).arg("-").arg("+").arg("COUNT").arg(limit);
        let head: StreamRangeReply = self.query(&command).await?;
        head.ids.iter().map(log::event).collect()
    }

    /// Takes the events up to a seq out of an item's log.
    pub async fn trim_log(&self, item: &ItemId, up_to_seq: u64) -> Result<(), LedgerError> {
        let first_kept = format!("{}-0", up_to_seq.saturating_add(1));
        self.query(redis::cmd("XTRIM").arg(keys::log(item)).arg("MINID").arg(first_kept)).await
    }

    /// Whether each event stands in its item's log.
    pub async fn are_in_log(&self, events: &[&AuctionEvent]) -> Result<Vec<bool>, LedgerError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut commands = redis::pipe();
        for event in events {
            let id = format!("{}-0", event.position.seq);
            commands.cmd("XRANGE").arg(keys::log(&event.item_id)).arg(&id).arg(&id);
        }
        let replies: Vec<StreamRangeReply> = self.query_all(&commands).await?;
        let stands = |(reply, event): (StreamRangeReply, &&AuctionEvent)| {
            reply.ids.first().is_some_and(|entry| log::event(entry).is_ok_and(|found| found == **event))
        };
        Ok(replies.into_iter().zip(events).map(stands).collect())
    }
}
