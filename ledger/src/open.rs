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

    /// Opens Redis for bids as it is, new items in the given epoch. For a Redis that cannot have lost anything; any other
    /// is looked through first: [`Ledger::verify`].
    pub async fn open(&self, epoch: u64) -> Result<(), LedgerError> {
        self.verify().await?.open(epoch).await
    }
}

/// Items would be looked for in the wrong shards.
pub(crate) fn check_shard_count(found: &str) -> Result<(), LedgerError> {
    if found == SHARDS.to_string() {
        return Ok(());
    }
    Err(LedgerError::Corrupt(format!("Redis is laid out for {found} shards, this version for {SHARDS}")))
}
