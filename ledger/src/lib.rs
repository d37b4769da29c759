//! Redis: the script that judges bids, each item's log, and the outbox of what PostgreSQL does not have yet.
//!
//! The only package that knows a Redis key.

mod coalescer;
mod connect;
mod error;
mod judge;
mod keys;
mod limits;
mod log;
mod marks;
mod open;
mod outbox;
mod record;
mod reply;
mod state;
mod trimming;
mod verification;

use std::sync::Arc;

pub use coalescer::Coalescer;
pub use error::LedgerError;
pub use judge::{Judged, NewIds, Placed};
pub use log::{Continuity, LogPage};
pub use marks::ShardMarks;
pub use outbox::{OutboxCursor, OutboxId, OutboxLoad, OutboxPage, UnreadableEntry};
pub use state::Standing;
pub use verification::{Found, ItemCursor, Replacement, Verification};

/// A handle on Redis. Cloning it shares one connection, which is made when it is first needed and again when it breaks.
#[derive(Clone)]
pub struct Ledger {
    client: Arc<redis::Client>,
    connection: redis::aio::ConnectionManager,
}
