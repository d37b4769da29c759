//! Connections to PostgreSQL and their bounds.

use std::{io, str::FromStr, time::Duration};

use sqlx::{
    PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::error::Elapsed;

use crate::limits;

/// Where PostgreSQL is: `postgres://user@host:port/database`.
#[derive(Clone, Debug)]
pub struct PostgresUrl(PgConnectOptions);

#[derive(Debug, thiserror::Error)]
#[error("not the URL of a PostgreSQL database")]
pub struct PostgresUrlError;

impl FromStr for PostgresUrl {
    type Err = PostgresUrlError;

    fn from_str(url: &str) -> Result<Self, PostgresUrlError> {
        let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
        match url.parse() {
            Ok(options) if is_postgres => Ok(Self(options)),
            _ => Err(PostgresUrlError),
        }
    }
}

impl PostgresUrl {
    /// For migrations, which may take as long as they need.
    pub(crate) fn unbounded(&self) -> PgConnectOptions {
        self.0.clone().application_name("archive-migrations")
    }

    /// A pool for writers. Connects when it is first used; needs a tokio runtime around it.
    pub(crate) fn writers(&self) -> PgPool {
        let options = self.bounded("archive-sink", limits::SINK_STATEMENT_TIMEOUT);
        PgPoolOptions::new()
            .max_connections(limits::SINK_CONNECTIONS_MAX)
            .acquire_timeout(limits::SINK_ACQUIRE_TIMEOUT)
            .connect_lazy_with(options)
    }

    /// A pool for readers. Connects when it is first used; needs a tokio runtime around it.
    pub(crate) fn readers(&self) -> PgPool {
        let options = self.bounded("archive-reader", limits::ARCHIVE_STATEMENT_TIMEOUT);
        PgPoolOptions::new()
            .max_connections(limits::ARCHIVE_CONNECTIONS_MAX)
            .acquire_timeout(limits::ARCHIVE_ACQUIRE_TIMEOUT)
            .connect_lazy_with(options)
    }

    fn bounded(&self, name: &str, statement_timeout: Duration) -> PgConnectOptions {
        let milliseconds = |duration: Duration| duration.as_millis().to_string();
        self.0.clone().application_name(name).options([
            ("statement_timeout", milliseconds(statement_timeout)),
            ("lock_timeout", milliseconds(limits::SINK_LOCK_TIMEOUT)),
            ("idle_in_transaction_session_timeout", milliseconds(limits::IDLE_IN_TRANSACTION_TIMEOUT)),
        ])
    }
}

/// What the work on a connection came to, if it came in time. A connection that may be at fault is not used again.
pub(crate) fn settle<T>(
    mut connection: PoolConnection<Postgres>,
    result: Result<Result<T, sqlx::Error>, Elapsed>,
) -> Result<T, sqlx::Error> {
    let late = || sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"));
    let result = result.unwrap_or_else(|_| Err(late()));
    if let Err(error) = &result
        && !is_about_a_row(error)
    {
        // It may hang, or lead to a server that has become a read-only replica.
        connection.close_on_drop();
    }
    result
}

/// Whether PostgreSQL refuses what a row holds, and always will: class 22, a value that a column cannot hold, and class
/// 23, a violated constraint. Everything else may pass: it is away, starting, stopping, read-only, out of resources,
/// busy with a lock, or not set up yet.
pub(crate) fn is_about_a_row(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref().and_then(|code| code.get(..2)), Some("22" | "23"))
}
