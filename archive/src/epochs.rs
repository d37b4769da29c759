//! Which epoch Redis is in. PostgreSQL knows, so that a Redis that lost a part of its history does not number its events
//! as before, and so that events of what it lost are recognised.

use sqlx::{Connection, PgConnection, PgPool, Postgres, Transaction};
use tokio::time::timeout;

use crate::{database, limits};

/// Held shared by every batch, and alone by whoever begins an epoch: a batch is committed before the epoch begins, or
/// knows of it. The number means nothing.
const BEGIN_SHARED: &str = "BEGIN; SELECT pg_advisory_xact_lock_shared(7301)";

/// A transaction in which no epoch begins.
pub(crate) async fn begin_shared(connection: &mut PgConnection) -> Result<Transaction<'_, Postgres>, sqlx::Error> {
    connection.begin_with(BEGIN_SHARED).await
}

/// A new epoch, above `above`, and above all that were begun and all that events are known of. It is committed before it
/// is answered.
pub(crate) async fn begin(pool: &PgPool, above: u64) -> Result<u64, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let result = timeout(limits::STORE_DEADLINE, begin_alone(&mut connection, above)).await;
    Ok(database::settle(connection, result)?.unsigned_abs())
}

async fn begin_alone(connection: &mut PgConnection, above: u64) -> Result<i64, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN; SELECT pg_advisory_xact_lock(7301)").await?;
    let above = i64::try_from(above).unwrap_or(0);
    let epoch = sqlx::query_file_scalar!("src/epochs/begin.sql", above).fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(epoch)
}
