//! Bringing the tables up to date.

use sqlx::{Connection, PgConnection, migrate::MigrateError};

use crate::PostgresUrl;

/// Applies the migrations that are missing. Several callers at once wait for each other.
pub async fn apply(postgres: &PostgresUrl) -> Result<(), MigrateError> {
    let mut connection = PgConnection::connect_with(&postgres.unbounded()).await?;
    // Not `run`, whose future cannot be spawned: it is not Send for every lifetime.
    sqlx::migrate!("../migrations").run_direct(None, &mut connection, false).await?;
    Ok(connection.close().await?)
}
