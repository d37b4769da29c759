//! Where each outbox ends: a cheap sign of which shards have had events, also of events that have left it again.

use auction::ItemId;
use redis::{FromRedisValue, Value};

use crate::{Ledger, LedgerError, keys::Shard};

/// The id of the newest entry that each outbox ever had; empty for an outbox without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxTails {
    by_shard: Vec<String>,
}

impl OutboxTails {
    /// Whether the item's shard got an entry between the reading `before` and this one.
    pub fn moved(&self, before: &Self, item: &ItemId) -> bool {
        let shard = usize::from(Shard::of(item).number());
        self.by_shard[shard] != before.by_shard[shard]
    }
}

impl Ledger {
    pub async fn outbox_tails(&self) -> Result<OutboxTails, LedgerError> {
        let mut commands = redis::pipe();
        for shard in Shard::all() {
            commands.cmd("XINFO").arg("STREAM").arg(shard.outbox());
        }
        // A shard without any event has no stream, which XINFO calls an error.
        commands.ignore_errors();
        let replies: Vec<redis::RedisResult<Value>> = self.query_all(&commands).await?;
        Ok(OutboxTails { by_shard: replies.into_iter().map(tail).collect::<Result<_, _>>()? })
    }
}

fn tail(reply: redis::RedisResult<Value>) -> Result<String, LedgerError> {
    let Ok(reply) = reply else { return Ok(String::new()) };
    let fields = Vec::<Value>::from_redis_value(reply).unwrap_or_default();
    let named = |pair: &[Value]| matches!(&pair[0], Value::BulkString(name) if name == b"last-generated-id");
    let found = fields.chunks_exact(2).find(|pair| named(pair)).map(|pair| String::from_redis_value(pair[1].clone()));
    found.and_then(Result::ok).ok_or_else(|| LedgerError::Corrupt("XINFO STREAM has no last-generated-id".to_owned()))
}
