//! The HTTP interface: one set of routes, served by Lambda functions, by `cargo lambda watch`, or by one process.
//!
//! Nothing here keeps state between two requests but connections: any number of copies may run side by side.

pub mod api;
mod app;
pub mod archive_bids;
mod breaker;
pub mod config;
pub mod connections;
mod contact;
mod deadline;
mod health;
mod history;
mod items;
pub mod lambda;
pub mod logging;
mod place_bid;
mod problem;
mod publisher;
mod queue;
pub mod reconcile;
pub mod routes;
mod watch;

pub use app::App;
pub use config::{Config, QueueConfig};
