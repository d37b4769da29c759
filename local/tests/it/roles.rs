//! Who may do what, on real servers: each role what it must, and nothing of what it must not.

mod files;
mod nats;
mod postgres;
mod redis;
