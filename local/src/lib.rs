//! The whole system on one machine: installs what is missing, starts the real servers, and breaks each by name.
//!
//! The command `local` runs the system for a person; [`testing`] starts the same servers for a test, on free ports and
//! in a temporary folder.

pub mod command;
mod config;
mod control;
mod credentials;
mod install;
mod lambda;
mod name;
mod ports;
mod probe;
mod process;
mod programs;
mod queue;
mod server;
mod servers;
mod settings;
mod system;
pub mod testing;

pub use config::Addresses;
pub use credentials::{Credentials, Role};
pub use name::Name;
pub use server::{Crash, Server, Status};
pub use settings::{Api, Archive, Durability, Fsync, Settings};
pub use system::System;
