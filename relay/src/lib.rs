//! The relay: NATS and the log in, WebSocket frames out.
//!
//! It holds no truth. Everything it shows comes from Redis and NATS, and it may be killed at any moment.

mod bus;
mod clock;
mod closing;
mod config;
mod engine;
mod feed;
mod frame;
mod http;
mod hub;
mod item;
mod limits;
mod listener;
mod marks;
mod metrics;
mod open_files;
mod origins;
mod places;
mod protocol;
mod ring;
mod run;
mod websocket;

pub use config::{Config, SlowViewers};
pub use listener::listen;
pub use open_files::raise_limit as raise_open_file_limit;
pub use origins::Origins;
pub use run::run;
