//! Looking through a Redis that may have lost the end of its history, before it is opened for bids.

mod replacement;
mod scan;

use std::sync::LazyLock;

use redis::{FromRedisValue, aio::MultiplexedConnection};

use crate::{
    Ledger, LedgerError,
    judge::PLACE_BID,
    keys::{REPLICATION_ID, SHARD_COUNT, SHARDS, Shard},
    limits,
    open::check_shard_count,
};

pub use replacement::{Found, Replacement};
pub use scan::ItemCursor;

static RAISE_EPOCH: LazyLock<redis::Script> = LazyLock::new(|| redis::Script::new(include_str!("raise_epoch.lua")));

/// One Redis, closed for bids, over one connection that is never made again: it ends with the Redis that was looked
/// through, so that no other is opened in its place.
pub struct Verification {
    connection: MultiplexedConnection,
    replication_id: String,
}

impl Ledger {
    /// Whether bids are open on a Redis that was opened as what it is now.
    ///
    /// The script alone does not tell: a primary that became a replica and then a primary again still has it, but may have
    /// lost what was accepted elsewhere. Its replication id is another one then.
    pub async fn is_verified(&self) -> Result<bool, LedgerError> {
        if !self.is_open().await? {
            return Ok(false);
        }
        let mut commands = redis::pipe();
        commands.cmd("INFO").arg("replication").cmd("GET").arg(REPLICATION_ID);
        let (replication, opened): (String, Option<String>) = self.query_all(&commands).await?;
        Ok(opened.as_deref() == Some(replication_id(&replication)?))
    }

    /// Closes bids, and begins to look through what Redis has.
    pub async fn verify(&self) -> Result<Verification, LedgerError> {
        let mut connection = self.connection_of_its_own().await?;
        let mut commands = redis::pipe();
        commands.cmd("SCRIPT").arg("FLUSH").ignore();
        commands.cmd("SET").arg(SHARD_COUNT).arg(SHARDS).arg("NX").ignore().cmd("GET").arg(SHARD_COUNT);
        commands.cmd("INFO").arg("replication");
        let (shard_count, replication): (String, String) = commands.query_async(&mut connection).await?;
        check_shard_count(&shard_count)?;
        let replication_id = replication_id(&replication)?.to_owned();
        Ok(Verification { connection, replication_id })
    }
}

impl Verification {
    /// The highest epoch that any shard has; 0 if Redis is blank.
    pub async fn latest_epoch(&self) -> Result<u64, LedgerError> {
        let mut commands = redis::pipe();
        for shard in Shard::all() {
            commands.cmd("GET").arg(shard.epoch());
        }
        let epochs: Vec<Option<u64>> = self.query(&commands).await?;
        Ok(epochs.into_iter().flatten().max().unwrap_or(0))
    }

    /// The clock of Redis, in seconds since 1970.
    pub async fn seconds(&self) -> Result<u64, LedgerError> {
        let ((seconds, _),): ((u64, u64),) = self.query(redis::pipe().cmd("TIME")).await?;
        Ok(seconds)
    }

    /// Opens Redis for bids, new items in the given epoch, or in a later one that somebody else began meanwhile.
    pub async fn open(self, epoch: u64) -> Result<(), LedgerError> {
        let mut commands = redis::pipe();
        commands.load_script(&RAISE_EPOCH).ignore();
        for shard in Shard::all() {
            commands.invoke_script(RAISE_EPOCH.key(shard.epoch()).arg(epoch)).ignore();
        }
        commands.cmd("SET").arg(REPLICATION_ID).arg(&self.replication_id).ignore();
        let () = self.query(&commands).await?;
        self.query(redis::pipe().load_script(&PLACE_BID).ignore()).await
    }

    async fn query<T: FromRedisValue>(&self, commands: &redis::Pipeline) -> Result<T, LedgerError> {
        let mut connection = self.connection.clone();
        let reply = tokio::time::timeout(limits::VERIFICATION_DEADLINE, commands.query_async(&mut connection)).await;
        Ok(reply.map_err(|_| LedgerError::TimedOut)??)
    }
}

/// The id that a primary gives to its history; it changes with every restart and every promotion.
fn replication_id(info: &str) -> Result<&str, LedgerError> {
    let found = info.lines().find_map(|line| line.strip_prefix("master_replid:"));
    found.map(str::trim).ok_or_else(|| LedgerError::Corrupt("INFO has no master_replid".to_owned()))
}
