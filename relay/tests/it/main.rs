//! The relay beside a real Redis and a real NATS, watched by real clients.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod binary;
mod client;
mod compression;
mod conformance;
mod fan_out;
mod handshake;
mod hostile;
mod losses;
mod many;
mod order;
mod outages;
mod relays;
mod reports;
mod resume;
mod slow;
mod sse;
mod stage;
