//! Measurements of the system, from outside: over HTTP, WebSocket and the servers' own command-line clients.
//!
//! `soak` is the proof that nothing is lost: load, viewers and faults (`load`, `viewers`, `storm`) leave a record, and
//! `verify` decides from it.

pub mod api_cost;
pub mod bidders;
pub mod clock;
pub mod cold_start;
pub mod faults;
pub mod http;
pub mod lambda_cost;
pub mod load;
mod machine;
pub mod random;
pub mod record;
pub mod relay_cost;
pub mod soak;
pub mod statistics;
pub mod storm;
pub mod timeline;
pub mod verify;
pub mod viewers;
