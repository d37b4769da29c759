//! Real servers for tests: free ports, a temporary folder, one call to start, ended when the handle is dropped.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! let redis = local::testing::redis().await;
//! let url = redis.url();
//! redis.kill().await?;
//! redis.start().await?; // same port, same data
//! # Ok(())
//! # }
//! ```

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::install;
use crate::name::Name;
use crate::server::Server;
use crate::settings::Settings;
use crate::system::System;

/// A port can be lost to a process that is not one of our tests, between its choice and its use.
const TRIES: u32 = 3;

/// The program of the Autobahn cases for WebSocket servers, installed if it is missing.
///
/// # Panics
/// If it cannot be installed.
pub async fn conformance_suite() -> PathBuf {
    let suite = async { install::conformance_suite(&Settings::from_env()?.root).await };
    suite.await.unwrap_or_else(|error| panic!("{error:?}"))
}

/// A Redis that writes its append-only file.
///
/// # Panics
/// If it cannot be started.
pub async fn redis() -> Server {
    only(Name::Redis).await
}

/// A NATS server with JetStream.
///
/// # Panics
/// If it cannot be started.
pub async fn nats() -> Server {
    only(Name::Nats).await
}

/// A PostgreSQL with an empty database `bidding` of the user `bidding`.
///
/// # Panics
/// If it cannot be started.
pub async fn postgres() -> Server {
    only(Name::Postgres).await
}

/// An SQS without queues.
///
/// # Panics
/// If it cannot be started.
pub async fn localstack() -> Server {
    only(Name::Localstack).await
}

/// The whole system, our own processes included.
///
/// # Panics
/// If it cannot be started.
pub async fn system() -> System {
    system_of(&Name::ALL).await
}

/// The whole system with other settings than those of a test, such as what answers HTTP.
///
/// # Panics
/// If it cannot be started.
pub async fn system_with(change: impl Fn(&mut Settings)) -> System {
    let started = start_with(&Name::ALL, change).await;
    started.unwrap_or_else(|error| panic!("no servers for the test: {error:#}"))
}

/// A part of the system.
///
/// # Panics
/// If it cannot be started.
pub async fn system_of(servers: &[Name]) -> System {
    start(servers).await.unwrap_or_else(|error| panic!("no servers for the test: {error:#}"))
}

/// The processes of a function's sandboxes, each with its state as a letter: T is frozen.
///
/// # Panics
/// If the functions do not run in sandboxes.
pub fn sandboxes(system: &System, function: &str) -> Vec<(u32, char)> {
    let front = system.server("bidding-api").pid().expect("the functions run").to_string();
    let of_function = format!("({function}) ");
    let stats = fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = stats.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    let ours = stats.filter_map(|stat| {
        let (pid, fields) = stat.split_once(&of_function)?;
        let mut fields = fields.split(' ');
        let (state, parent) = (fields.next()?.chars().next()?, fields.next()?);
        (parent == front).then_some((pid.trim().parse().ok()?, state))
    });
    ours.collect()
}

async fn only(name: Name) -> Server {
    let started =
        start(&[name]).await.and_then(|system| system.into_servers().pop().context("one server was asked for"));
    started.unwrap_or_else(|error| panic!("no server for the test: {error:#}"))
}

async fn start(servers: &[Name]) -> Result<System> {
    start_with(servers, |_| {}).await
}

async fn start_with(servers: &[Name], change: impl Fn(&mut Settings)) -> Result<System> {
    let mut attempt = 1;
    loop {
        let mut settings = Settings::temporary(servers)?;
        change(&mut settings);
        match System::start(settings).await {
            Err(error) if attempt < TRIES && lost_its_port(&error) => attempt += 1,
            result => return result,
        }
    }
}

fn lost_its_port(error: &anyhow::Error) -> bool {
    let words = format!("{error:#}").to_lowercase();
    words.contains("is already taken by") || words.contains("address already in use")
}
