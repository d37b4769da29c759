//! What shows at a glance which shards have changed: where each outbox ends, and the epoch.

use auction::ItemId;
use redis::{FromRedisValue, RedisResult, Value};

use crate::{Ledger, LedgerError, keys::Shard};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardMarks {
    by_shard: Vec<Mark>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    /// The id of the newest entry that the outbox ever had, also if it has left it again; empty if there was none.
    outbox_end: String,
    /// Rises when Redis is opened for bids after it may have lost some, with all items where they stand then.
    epoch: Option<String>,
}

impl ShardMarks {
    /// Whether the item's shard got an event or a new epoch between the reading `before` and this one.
    pub fn moved(&self, before: &Self, item: &ItemId) -> bool {
        let shard = usize::from(Shard::of(item).number());
        self.by_shard[shard] != before.by_shard[shard]
    }
}

impl Ledger {
    pub async fn shard_marks(&self) -> Result<ShardMarks, LedgerError> {
        let mut commands = redis::pipe();
        for shard in Shard::all() {
            commands.cmd("XINFO").arg("STREAM").arg(shard.outbox());
            commands.cmd("GET").arg(shard.epoch());
        }
        // A shard without any event has no stream, which XINFO calls an error.
        commands.ignore_errors();
        let mut replies = self.query_all::<Vec<RedisResult<Value>>>(&commands).await?.into_iter();
        let mut by_shard = Vec::new();
        while let (Some(outbox), Some(epoch)) = (replies.next(), replies.next()) {
            let epoch = Option::from_redis_value(epoch?).map_err(redis::RedisError::from)?;
            by_shard.push(Mark { outbox_end: outbox_end(outbox)?, epoch });
        }
        Ok(ShardMarks { by_shard })
    }
}

fn outbox_end(reply: RedisResult<Value>) -> Result<String, LedgerError> {
    let Ok(reply) = reply else { return Ok(String::new()) };
    let fields = Vec::<Value>::from_redis_value(reply).unwrap_or_default();
    let named = |pair: &[Value]| matches!(&pair[0], Value::BulkString(name) if name == b"last-generated-id");
    let found = fields.chunks_exact(2).find(|pair| named(pair)).map(|pair| String::from_redis_value(pair[1].clone()));
    found.and_then(Result::ok).ok_or_else(|| LedgerError::Corrupt("XINFO STREAM has no last-generated-id".to_owned()))
}
