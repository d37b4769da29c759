//! The settings of `local` itself: environment variables, each with the contract's default.

use std::collections::BTreeMap;
use std::env;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::name::Name;
use crate::ports::{Lease, Listen};

/// Where the servers listen.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub redis: SocketAddr,
    pub nats: SocketAddr,
    pub nats_monitor: SocketAddr,
    pub postgres: SocketAddr,
    pub worker: SocketAddr,
    pub relay: SocketAddr,
    pub api: SocketAddr,
    pub localstack: SocketAddr,
}

impl Addresses {
    pub fn from_env() -> Result<Self> {
        Ok(Self {
            redis: address("REDIS_ADDR", 6379)?,
            nats: address("NATS_ADDR", 4222)?,
            nats_monitor: address("NATS_MONITOR_ADDR", 8222)?,
            postgres: address("POSTGRES_ADDR", 5432)?,
            worker: address("WORKER_ADDR", 8082)?,
            relay: address("RELAY_ADDR", 8081)?,
            api: address("API_ADDR", 8080)?,
            localstack: address("LOCALSTACK_ADDR", 4566)?,
        })
    }

    /// Eight free ports; they are ours while the leases live.
    pub(crate) fn free() -> Result<(Self, Vec<Lease>)> {
        let leases = (0..8).map(|_| Lease::take()).collect::<Result<Vec<_>>>()?;
        let mut ports = leases.iter().map(Lease::address);
        let mut next = || ports.next().context("eight leases were taken");
        let addresses = Self {
            redis: next()?,
            nats: next()?,
            nats_monitor: next()?,
            postgres: next()?,
            worker: next()?,
            relay: next()?,
            api: next()?,
            localstack: next()?,
        };
        Ok((addresses, leases))
    }

    pub(crate) fn listens(&self, server: Name) -> Vec<Listen> {
        let all = [
            (Name::Redis, "REDIS_ADDR", self.redis),
            (Name::Nats, "NATS_ADDR", self.nats),
            (Name::Nats, "NATS_MONITOR_ADDR", self.nats_monitor),
            (Name::Postgres, "POSTGRES_ADDR", self.postgres),
            (Name::ArchivalWorker, "WORKER_ADDR", self.worker),
            (Name::Broadcast, "RELAY_ADDR", self.relay),
            (Name::Api, "API_ADDR", self.api),
            (Name::Localstack, "LOCALSTACK_ADDR", self.localstack),
        ];
        let of_server = all.into_iter().filter(|(name, ..)| *name == server);
        of_server.map(|(server, variable, address)| Listen { server, variable, address }).collect()
    }

    pub fn redis_url(&self) -> String {
        format!("redis://{}/", reachable(self.redis))
    }

    pub fn nats_url(&self) -> String {
        format!("nats://{}", reachable(self.nats))
    }

    pub fn nats_monitor_url(&self) -> String {
        format!("http://{}", reachable(self.nats_monitor))
    }

    pub fn postgres_url(&self) -> String {
        format!("postgres://bidding@{}/bidding", reachable(self.postgres))
    }

    pub fn worker_url(&self) -> String {
        format!("http://{}", reachable(self.worker))
    }

    pub fn relay_url(&self) -> String {
        format!("ws://{}", reachable(self.relay))
    }

    /// Where LocalStack plays SQS.
    pub fn sqs_url(&self) -> String {
        format!("http://{}", reachable(self.localstack))
    }

    pub fn api_url(&self) -> String {
        format!("http://{}", reachable(self.api))
    }
}

/// The folder that holds the workspace: `BIDDING_ROOT`, or the nearest one above the current folder.
pub(crate) fn project_root() -> Result<PathBuf> {
    if let Some(root) = variable("BIDDING_ROOT") {
        let root = PathBuf::from(root);
        return root.canonicalize().with_context(|| format!("BIDDING_ROOT={} is not a folder", root.display()));
    }
    let here = env::current_dir().context("the current folder is gone")?;
    let is_root = |folder: &&Path| {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        manifest.lines().any(|line| line.trim() == "[workspace]")
    };
    let root = here.ancestors().find(is_root).map(Path::to_path_buf);
    root.context("neither this folder nor one above it holds the project: go there, or set BIDDING_ROOT")
}

pub(crate) fn search_path() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

/// Values for the parameters of the SAM template, instead of its defaults: `TEMPLATE_PARAMETERS="Name=value Other=value"`.
pub(crate) fn parameters() -> Result<BTreeMap<String, String>> {
    let text = variable("TEMPLATE_PARAMETERS").unwrap_or_default();
    let pair = |word: &str| {
        let (name, value) =
            word.split_once('=').with_context(|| format!("TEMPLATE_PARAMETERS: {word} is no Name=value"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    // The switch of the system is one of the template, too.
    let archive = variable("ARCHIVE").map(|archive| Ok(("Archive".to_owned(), archive)));
    archive.into_iter().chain(text.split_whitespace().map(pair)).collect()
}

/// An address that can be connected to: "every interface" is not one.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip().is_unspecified() {
        true => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()),
        false => address,
    }
}

fn address(name: &str, default_port: u16) -> Result<SocketAddr> {
    let Some(text) = variable(name) else {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, default_port)));
    };
    let numeric = text.replace("localhost:", "127.0.0.1:");
    numeric.parse().with_context(|| format!("{name}={text}: expected an address such as 127.0.0.1:{default_port}"))
}

#[expect(clippy::disallowed_methods, reason = "this is config.rs")]
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
