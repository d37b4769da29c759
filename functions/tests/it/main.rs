//! The HTTP interface over real sockets, with real servers behind it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod archive;
mod archive_bids;
mod bad_input;
mod bids;
mod events;
mod faults;
mod health;
mod idempotency;
mod items;
mod lambda;
mod queue;
mod reconcile;
mod routes;
mod sandboxes;
mod support;
