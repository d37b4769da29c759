//! Measurements of the system, from outside: over HTTP, WebSocket and the servers' own command-line clients.

pub mod bidders;
pub mod cold_start;
pub mod faults;
pub mod lambda_cost;
