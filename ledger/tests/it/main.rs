//! The ledger against a real Redis.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod coalescing;
mod faults;
mod idempotency;
mod judging;
mod log;
mod marks;
mod opening;
mod outbox;
mod script_and_rule;
mod support;
