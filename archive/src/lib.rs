//! PostgreSQL, the auction's memory: the sink that writes it, the queries that read it, and the worker that feeds it.
//!
//! The only package that knows a table.

mod archived;
pub mod config;
mod database;
mod delivery;
mod epochs;
mod history;
mod intake;
mod limits;
pub mod migrations;
mod quarantine;
mod reconciler;
mod sink;
pub mod stream;
mod trimmer;
pub mod worker;

pub use config::{Config, Transport};
pub use database::{PostgresUrl, PostgresUrlError};
pub use delivery::{Delivery, Unreadable};
pub use history::{Archive, ArchiveError};
pub use intake::{Intake, IntakeError, Taken};
pub use limits::{BATCH_LENGTH_MAX, OVERDUE_AGE, PAGE_LENGTH_MAX};
pub use quarantine::{Reason, SetAside};
pub use reconciler::{Reconciled, Reconciler};
pub use sink::{Divergence, Sink, SinkError, Stored};
pub use trimmer::Trimmer;
