//! Why a batch was not stored, as far as a caller acts on it.

use crate::database;

#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// PostgreSQL is away, or busy, or not set up. Whether the batch is committed may be unknown: wait, and store it
    /// again, for as long as it takes.
    #[error("PostgreSQL is unavailable: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// PostgreSQL refuses what a row holds, and always will. None of the batch is stored: store its events one by one.
    #[error("PostgreSQL refuses a row: {0}")]
    Rejected(#[source] sqlx::Error),
}

impl From<sqlx::Error> for SinkError {
    fn from(error: sqlx::Error) -> Self {
        match database::is_about_a_row(&error) {
            true => Self::Rejected(error),
            // What is unknown is retried too: that loses nothing.
            false => Self::Unavailable(error),
        }
    }
}
