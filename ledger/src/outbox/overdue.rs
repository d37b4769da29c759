//! Reading the outboxes page by page.

use std::{collections::BTreeMap, time::Duration};

use redis::streams::{StreamId, StreamRangeReply};

use super::{OutboxId, outbox_id};
use crate::{Ledger, LedgerError, Placed, keys::Shard, log};

/// How far a reader has come in each outbox. A new one stands at the head of all.
#[derive(Clone, Debug)]
pub struct OutboxCursor {
    /// The range that each unfinished shard goes on with.
    starts: BTreeMap<Shard, String>,
}

impl Default for OutboxCursor {
    fn default() -> Self {
        Self { starts: Shard::all().map(|shard| (shard, "-".to_owned())).collect() }
    }
}

impl OutboxCursor {
    /// Whether the last page was the last of every shard.
    pub fn is_at_end(&self) -> bool {
        self.starts.is_empty()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxPage {
    pub placed: Vec<Placed>,
    /// What is no event to this version. It must not keep the others waiting.
    pub unreadable: Vec<UnreadableEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableEntry {
    pub outbox_id: OutboxId,
    pub error: String,
    /// Its fields and their values, as far as they are text.
    pub content: String,
}

impl Ledger {
    /// The next page, at most `limit_per_shard` of each outbox, of the entries that have waited for at least `age` by the
    /// clock of Redis: whoever should have brought them to PostgreSQL has not.
    pub async fn overdue(
        &self,
        age: Duration,
        cursor: &mut OutboxCursor,
        limit_per_shard: usize,
    ) -> Result<OutboxPage, LedgerError> {
        let (seconds, microseconds): (u64, u64) = self.query(&redis::cmd("TIME")).await?;
        let now = Duration::from_secs(seconds) + Duration::from_micros(microseconds);
        self.outbox_page(&now.saturating_sub(age).as_millis().to_string(), cursor, limit_per_shard).await
    }

    pub(super) async fn outbox_page(
        &self,
        last: &str,
        cursor: &mut OutboxCursor,
        limit_per_shard: usize,
    ) -> Result<OutboxPage, LedgerError> {
        let mut page = OutboxPage::default();
        if cursor.is_at_end() {
            return Ok(page);
        }
        let mut commands = redis::pipe();
        for (shard, start) in &cursor.starts {
            commands.cmd("XRANGE").arg(shard.outbox()).arg(start).arg(last).arg("COUNT").arg(limit_per_shard);
        }
        let replies: Vec<StreamRangeReply> = self.query_all(&commands).await?;
        let shards: Vec<Shard> = cursor.starts.keys().copied().collect();
        for (shard, reply) in shards.into_iter().zip(replies) {
            match reply.ids.last() {
                Some(entry) if reply.ids.len() >= limit_per_shard => {
                    cursor.starts.insert(shard, format!("({}", entry.id));
                }
                _ => {
                    cursor.starts.remove(&shard);
                }
            }
            for entry in &reply.ids {
                let outbox_id = outbox_id(shard, entry)?;
                match log::event(entry) {
                    Ok(event) => page.placed.push(Placed { outbox_id, event }),
                    Err(error) => {
                        let (error, content) = (error.to_string(), content(entry));
                        page.unreadable.push(UnreadableEntry { outbox_id, error, content });
                    }
                }
            }
        }
        Ok(page)
    }
}

fn content(entry: &StreamId) -> String {
    let mut fields: Vec<String> =
        entry.map.keys().map(|field| format!("{field} {}", entry.get::<String>(field).unwrap_or_default())).collect();
    fields.sort_unstable();
    fields.join("\n")
}
