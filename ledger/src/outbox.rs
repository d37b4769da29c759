//! The outbox: what PostgreSQL does not have yet. An entry leaves it only when its row is known to stand there.

mod overdue;

use std::{collections::BTreeMap, time::Duration};

use redis::{
    FromRedisValue,
    streams::{StreamId, StreamRangeReply},
};

use crate::{Ledger, LedgerError, Placed, keys::Shard};

pub use overdue::{OutboxCursor, OutboxPage, UnreadableEntry};

/// The place of an event in an outbox. It travels beside the event as `<shard>:<entry>`: `17:1795456063000-0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutboxId {
    shard: Shard,
    entry: String,
}

impl OutboxId {
    /// The NATS header that carries it.
    pub const HEADER: &str = "Outbox-Id";

    pub(crate) fn new(shard: Shard, entry: &str) -> Option<Self> {
        let (milliseconds, counter) = entry.split_once('-')?;
        milliseconds.parse::<u64>().ok()?;
        counter.parse::<u64>().ok()?;
        Some(Self { shard, entry: entry.to_owned() })
    }

    /// When Redis accepted the event, since 1970.
    fn milliseconds(&self) -> u64 {
        self.entry.split_once('-').and_then(|(milliseconds, _)| milliseconds.parse().ok()).unwrap_or(0)
    }

    pub fn parse(text: &str) -> Option<Self> {
        let (shard, entry) = text.split_once(':')?;
        Self::new(Shard::new(shard.parse().ok()?)?, entry)
    }
}

impl std::fmt::Display for OutboxId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.shard.number(), self.entry)
    }
}

/// What PostgreSQL may not have yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxLoad {
    pub length: u64,
    /// Of the oldest entry; zero if there is none.
    pub age: Duration,
}

impl Ledger {
    /// Deletes entries whose rows are confirmed. Entries that are gone already are no error.
    pub async fn delete_from_outbox(&self, confirmed: &[OutboxId]) -> Result<(), LedgerError> {
        let mut by_shard = BTreeMap::<Shard, Vec<&str>>::new();
        for id in confirmed {
            by_shard.entry(id.shard).or_default().push(&id.entry);
        }
        if by_shard.is_empty() {
            return Ok(());
        }
        let mut commands = redis::pipe();
        for (shard, entries) in by_shard {
            commands.cmd("XDEL").arg(shard.outbox()).arg(entries).ignore();
        }
        self.query_all(&commands).await
    }

    /// How many events wait in all outboxes.
    pub async fn outbox_length(&self) -> Result<u64, LedgerError> {
        Ok(self.outbox_load().await?.length)
    }

    /// How much waits in all outboxes, and for how long.
    pub async fn outbox_load(&self) -> Result<OutboxLoad, LedgerError> {
        let mut commands = redis::pipe();
        commands.cmd("TIME");
        for shard in Shard::all() {
            commands.cmd("XLEN").arg(shard.outbox());
            commands.cmd("XRANGE").arg(shard.outbox()).arg("-").arg("+").arg("COUNT").arg(1);
        }
        let mut replies = self.query_all::<Vec<redis::Value>>(&commands).await?.into_iter();
        let mut next = || replies.next().unwrap_or(redis::Value::Nil);
        let (seconds, microseconds): (u64, u64) = from_value(next())?;
        let (mut length, mut oldest) = (0, None);
        for shard in Shard::all() {
            length += from_value::<u64>(next())?;
            let heads: StreamRangeReply = from_value(next())?;
            let head = heads.ids.first().map(|entry| outbox_id(shard, entry)).transpose()?;
            oldest = [oldest, head.map(|id| id.milliseconds())].into_iter().flatten().min();
        }
        let now = seconds * 1_000 + microseconds / 1_000;
        let age = oldest.map_or(Duration::ZERO, |oldest| Duration::from_millis(now.saturating_sub(oldest)));
        Ok(OutboxLoad { length, age })
    }

    /// The oldest entries of every outbox, at most `limit_per_shard` of each.
    pub async fn outbox_heads(&self, limit_per_shard: usize) -> Result<Vec<Placed>, LedgerError> {
        let mut cursor = OutboxCursor::default();
        let page = self.outbox_page("+", &mut cursor, limit_per_shard).await?;
        match page.unreadable.into_iter().next() {
            Some(entry) => Err(LedgerError::Corrupt(entry.error)),
            None => Ok(page.placed),
        }
    }
}

fn outbox_id(shard: Shard, entry: &StreamId) -> Result<OutboxId, LedgerError> {
    OutboxId::new(shard, &entry.id).ok_or_else(|| LedgerError::Corrupt(format!("not an outbox id: {:?}", entry.id)))
}

fn from_value<T: FromRedisValue>(value: redis::Value) -> Result<T, LedgerError> {
    Ok(T::from_redis_value(value).map_err(redis::RedisError::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outbox_id_is_read_back_and_nothing_else_is_one() {
        let id = OutboxId::parse("17:1795456063000-0").unwrap();
        assert_eq!(id.to_string(), "17:1795456063000-0");
        for bad in ["", "17", "64:1-0", "x:1-0", "1:1", "1:-", "1:1-0 2-0", "1:*"] {
            assert_eq!(OutboxId::parse(bad), None, "{bad}");
        }
    }
}
