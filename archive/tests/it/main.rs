//! The sink, the reader and the worker against real servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod contention;
mod faults;
mod gate;
mod given;
mod history;
mod http;
mod inbound;
mod log;
mod nats;
mod process;
mod query_cache;
mod recovery;
mod redis;
mod rig;
mod sink;
mod stuck;
mod tables;
mod tail;
mod trimming;
mod verification;
mod wait;
mod worker;
