//! The connection and its bounds.

use std::sync::Arc;

use redis::{
    AsyncConnectionConfig, FromRedisValue, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection},
};
use tokio::time::{Instant, timeout_at};

use crate::{Ledger, LedgerError, limits};

impl Ledger {
    /// A ledger at a URL such as `redis://127.0.0.1:6379`. Does not touch the network; fails on a URL that is none.
    pub fn new(url: &str) -> Result<Self, LedgerError> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(limits::RECONNECTION_RETRIES)
            .set_min_delay(limits::RECONNECTION_DELAY)
            .set_max_delay(limits::RECONNECTION_DELAY)
            .set_connection_timeout(Some(limits::CONNECTION_TIMEOUT))
            .set_response_timeout(Some(limits::RESPONSE_TIMEOUT))
            .set_pipeline_buffer_size(limits::PIPELINE_LENGTH_MAX);
        let client = redis::Client::open(url)?;
        Ok(Self {
            connection: ConnectionManager::new_lazy_with_config(client.clone(), config)?,
            client: Arc::new(client),
        })
    }

    /// A connection that is not made again when it breaks.
    pub(crate) async fn connection_of_its_own(&self) -> Result<MultiplexedConnection, LedgerError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limits::CONNECTION_TIMEOUT))
            .set_response_timeout(Some(limits::VERIFICATION_DEADLINE));
        Ok(self.client.get_multiplexed_async_connection_with_config(&config).await?)
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), LedgerError> {
        self.query(&redis::cmd("PING")).await
    }

    /// Sends one command, once, and waits so long: a command whose reply is lost may have been carried out.
    pub(crate) async fn query_once<T: FromRedisValue>(
        &self,
        command: &redis::Cmd,
        until: Instant,
    ) -> Result<T, LedgerError> {
        let mut connection = self.connection.clone();
        reply_by(until, command.query_async(&mut connection)).await
    }

    /// Sends one command that may be repeated, and repeats it once on a new connection if the old one turns out broken:
    /// after a restart of Redis or a long sleep of this process the break shows only now.
    pub(crate) async fn query<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, LedgerError> {
        let mut connection = self.connection.clone();
        reply_by(deadline(), async {
            match command.query_async(&mut connection).await {
                Err(error) if error.is_connection_dropped() => command.query_async(&mut connection).await,
                outcome => outcome,
            }
        })
        .await
    }

    /// Several commands in one round trip, repeated as [`Ledger::query`] does.
    pub(crate) async fn query_all<T: FromRedisValue>(&self, commands: &redis::Pipeline) -> Result<T, LedgerError> {
        let mut connection = self.connection.clone();
        reply_by(deadline(), async {
            match commands.query_async(&mut connection).await {
                Err(error) if error.is_connection_dropped() => commands.query_async(&mut connection).await,
                outcome => outcome,
            }
        })
        .await
    }
}

/// Of a call that begins now.
pub(crate) fn deadline() -> Instant {
    Instant::now() + limits::CALL_DEADLINE
}

async fn reply_by<T>(deadline: Instant, query: impl Future<Output = RedisResult<T>>) -> Result<T, LedgerError> {
    let reply = timeout_at(deadline, query).await;
    Ok(reply.map_err(|_| LedgerError::TimedOut)??)
}
