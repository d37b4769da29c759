//! Our own processes: the binaries of this workspace, built beside this one.

use std::time::Duration;

use anyhow::{Result, bail};
use rustix::process::Signal;

use crate::name::Name;
use crate::probe::Probe;
use crate::programs;
use crate::server::Spec;
use crate::settings::Settings;

pub(super) fn prepare(server: Name, settings: &Settings) -> Result<Spec> {
    let addresses = &settings.addresses;
    let (binary, probe, url) = match server {
        Name::ArchivalWorker => ("archival-worker", Probe::Http(addresses.worker, "/ready"), addresses.worker_url()),
        Name::Broadcast => ("relay", Probe::Http(addresses.relay, "/health"), addresses.relay_url()),
        Name::Api => ("api", Probe::Http(addresses.api, "/ready"), addresses.api_url()),
        Name::Redis | Name::Nats | Name::Postgres => bail!("{server} is not a binary of this workspace"),
    };
    Ok(Spec {
        name: server,
        program: programs::find(binary)?,
        arguments: Vec::new(),
        environment: environment(settings),
        working_folder: settings.root.clone(),
        account: None,
        listens: addresses.listens(server),
        probe,
        start_deadline: Duration::from_secs(60),
        polite_end: Signal::TERM,
        quick_end: Signal::KILL,
        log: settings.log_file(server),
        url,
        monitor_url: None,
    })
}

/// Where they find the servers and listen themselves.
pub(super) fn environment(settings: &Settings) -> Vec<(&'static str, String)> {
    let addresses = &settings.addresses;
    let mut environment = vec![
        ("REDIS_URL", addresses.redis_url()),
        ("NATS_URL", addresses.nats_url()),
        ("POSTGRES_URL", addresses.postgres_url()),
        ("WORKER_ADDR", addresses.worker.to_string()),
        ("RELAY_ADDR", addresses.relay.to_string()),
        ("API_ADDR", addresses.api.to_string()),
    ];
    environment.extend(settings.environment.iter().cloned());
    environment
}
