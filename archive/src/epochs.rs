//! Which epoch Redis is in. PostgreSQL knows, so that a Redis that lost everything does not number its events as before.

use sqlx::PgPool;
use tokio::time::timeout;

use crate::{database, limits};

/// The epoch that Redis was given last; 1 if none is known.
pub(crate) async fn latest(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let query = sqlx::query_file_scalar!("src/epochs/latest.sql").fetch_one(&mut *connection);
    let result = timeout(limits::STORE_DEADLINE, query).await;
    let epoch = database::settle(connection, result)?;
    Ok(epoch.max(1).unsigned_abs())
}

/// A new epoch, above all that were begun and all that events are known of. It is committed before it is answered.
pub(crate) async fn begin(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let query = sqlx::query_file_scalar!("src/epochs/begin.sql").fetch_one(&mut *connection);
    let result = timeout(limits::STORE_DEADLINE, query).await;
    let epoch = database::settle(connection, result)?;
    Ok(epoch.unsigned_abs())
}
