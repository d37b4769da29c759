//! The whole system as its users see it: real processes, HTTP and WebSocket in, redis-cli and psql to look behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod controls;
mod experiments;
mod generator;
mod journey;
mod kills;
mod load;
mod outages;
mod queue;
mod relay_cost;
mod roles;
mod sandboxes;
mod support;
mod verify;
