//! What can go wrong with the ledger, as far as a caller acts on it.

use redis::{ErrorKind, RedisError, ServerErrorKind};

#[derive(Clone, Debug, thiserror::Error)]
pub enum LedgerError {
    /// Bids are not open: the archival worker has not (re)opened this Redis. Nothing was judged.
    #[error("the ledger is not open for bids")]
    NotOpen,
    /// Redis cannot be reached, or is still reading its data. Nothing was judged.
    #[error("Redis is not reached: {0}")]
    Unreachable(#[source] RedisError),
    /// Redis was too slow with the bids before it. Nothing was judged.
    #[error("Redis is slow, and the bid was not sent")]
    NotSent,
    /// Redis takes no writes: its memory or its disk is full, or it is a replica. Nothing was changed.
    #[error("Redis takes no writes: {0}")]
    NotWritten(#[source] RedisError),
    /// Redis did not answer, or not in time. Whether it did what it was asked is unknown.
    #[error("Redis is unavailable: {0}")]
    Unavailable(#[source] RedisError),
    /// Redis did not answer before the deadline. Whether it did what it was asked is unknown.
    #[error("Redis did not answer in time")]
    TimedOut,
    /// What Redis replied cannot be read. Whether it did what it was asked is unknown.
    #[error("Redis's reply cannot be read: {0}")]
    Unreadable(String),
    /// Redis holds something that this version cannot read. Nothing was changed.
    #[error("the ledger is corrupt: {0}")]
    Corrupt(String),
}

impl From<RedisError> for LedgerError {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            _ if matches!(error.code(), Some("OOM" | "MISCONF" | "READONLY" | "NOREPLICAS")) => Self::NotWritten(error),
            ErrorKind::Server(ServerErrorKind::NoScript) => Self::NotOpen,
            ErrorKind::Server(ServerErrorKind::BusyLoading) => Self::Unreachable(error),
            _ if error.is_connection_refusal() => Self::Unreachable(error),
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Self::Unreadable(error.to_string()),
            _ => Self::Unavailable(error),
        }
    }
}
