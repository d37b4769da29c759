//! Measurements of the system, from outside: over HTTP, WebSocket and the servers' own command-line clients.
//!
//! `contend`, `fanout`, `resilience`, `coldwarm`, `mixed` and `stress` are experiments: each offers a load (`load`, by
//! `generator`) on a `stage` and leaves a `result`, of which `report` makes a page.
//!
//! `soak` is the proof that nothing is lost: load, viewers and faults (`load`, `viewers`, `storm`) leave a record, and
//! `verify` decides from it.

pub mod api_cost;
pub mod bid_loop;
pub mod bidders;
pub mod calibrate;
pub mod chart;
pub mod class;
pub mod clock;
pub mod cold_start;
pub mod coldwarm;
pub mod conclude;
pub mod contend;
pub mod fanout;
pub mod faults;
pub mod generator;
pub mod http;
pub mod lambda_cost;
pub mod load;
pub mod machine;
pub mod mixed;
pub mod null_server;
pub mod open_files;
pub mod options;
pub mod pacer;
pub mod random;
pub mod record;
pub mod recording;
pub mod relay_cost;
pub mod report;
pub mod reports;
pub mod resilience;
pub mod result;
pub mod search;
mod seconds;
pub mod shown;
pub mod soak;
pub mod stage;
pub mod statistics;
pub mod storm;
pub mod stress;
pub mod tally;
pub mod timeline;
pub mod usl;
pub mod verify;
pub mod viewers;
