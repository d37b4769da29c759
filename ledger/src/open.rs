//! Opening Redis for bids.
//!
//! The script cache is the fence. It is empty after a restart and on a promoted replica, so a handler that calls
//! EVALSHA and never loads finds bids closed there until the archival worker has opened them again.

use redis::FromRedisValue;

use crate::{
    Ledger, LedgerError,
    judge::PLACE_BID,
    keys::{SHARD_COUNT, SHARDS, Shard},
};

impl Ledger {
    /// Whether bids are open: the script is there and every shard has its epoch. Redis forgets the script when it starts,
    /// and the epochs when it is wiped.
    pub async fn is_open(&self) -> Result<bool, LedgerError> {
        let mut commands = redis::pipe();
        commands.cmd("SCRIPT").arg("EXISTS").arg(PLACE_BID.get_hash()).cmd("GET").arg(SHARD_COUNT);
        for shard in Shard::all() {
            commands.cmd("EXISTS").arg(shard.epoch());
        }
        let replies: Vec<redis::Value> = self.query_all(&commands).await?;
        let [script, shard_count, epochs @ ..] = &replies[..] else {
            return Err(LedgerError::Corrupt("Redis left out replies".to_owned()));
        };
        let shard_count = Option::<String>::from_redis_value_ref(shard_count).map_err(redis::RedisError::from)?;
        let Some(shard_count) = shard_count else { return Ok(false) };
        check_shard_count(&shard_count)?;
        let has_script = *script == redis::Value::Array(vec![redis::Value::Int(1)]);
        Ok(has_script && epochs.iter().all(|epoch| *epoch == redis::Value::Int(1)))
    }

    /// Whether Redis holds no auction at all: never used, or wiped.
    pub async fn is_blank(&self) -> Result<bool, LedgerError> {
        let shards: Option<String> = self.query(redis::cmd("GET").arg(SHARD_COUNT)).await?;
        Ok(shards.is_none())
    }

    /// Checks that Redis was laid out for our number of shards, gives every shard without an epoch `epoch_if_new`, and
    /// loads the script. Only the archival worker calls this.
    pub async fn open(&self, epoch_if_new: u64) -> Result<(), LedgerError> {
        self.check_shard_count().await?;
        let mut commands = redis::pipe();
        for shard in Shard::all() {
            commands.cmd("SET").arg(shard.epoch()).arg(epoch_if_new).arg("NX").ignore();
        }
        let () = self.query_all(&commands).await?;
        self.query(redis::cmd("SCRIPT").arg("LOAD").arg(include_str!("place_bid.lua"))).await
    }

    async fn check_shard_count(&self) -> Result<(), LedgerError> {
        let mut commands = redis::pipe();
        commands.cmd("SET").arg(SHARD_COUNT).arg(SHARDS).arg("NX").ignore().cmd("GET").arg(SHARD_COUNT);
        let (found,): (String,) = self.query_all(&commands).await?;
        check_shard_count(&found)
    }
}

/// Items would be looked for in the wrong shards.
fn check_shard_count(found: &str) -> Result<(), LedgerError> {
    if found == SHARDS.to_string() {
        return Ok(());
    }
    Err(LedgerError::Corrupt(format!("Redis is laid out for {found} shards, this version for {SHARDS}")))
}
