//! Measurements of the system, from outside: over HTTP, WebSocket and the servers' own command-line clients.

pub mod bidders;
pub mod nats_faults;
