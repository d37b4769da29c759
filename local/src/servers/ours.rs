//! Our own processes: the binaries of this workspace, built beside this one.

use std::time::Duration;

use anyhow::{Result, bail};
use rustix::process::Signal;

use crate::credentials::{Credentials, Role};
use crate::name::Name;
use crate::probe::Probe;
use crate::programs;
use crate::queue;
use crate::server::Spec;
use crate::settings::{Archive, Settings};

pub(super) fn prepare(server: Name, settings: &Settings, credentials: &Credentials) -> Result<Spec> {
    let addresses = &settings.addresses;
    let (binary, probe, url) = match server {
        Name::ArchivalWorker => ("archival-worker", Probe::Http(addresses.worker, "/ready"), addresses.worker_url()),
        Name::Broadcast => ("relay", Probe::Http(addresses.relay, "/health"), addresses.relay_url()),
        Name::Api => ("api", Probe::Http(addresses.api, "/ready"), addresses.api_url()),
        Name::Redis | Name::Nats | Name::Postgres | Name::Localstack => {
            bail!("{server} is not a binary of this workspace")
        }
    };
    Ok(Spec {
        name: server,
        program: programs::find(binary)?,
        arguments: Vec::new(),
        environment: environment(server, settings, credentials)?,
        working_folder: settings.root.clone(),
        account: None,
        listens: addresses.listens(server),
        probe,
        start_deadline: Duration::from_secs(60),
        polite_end: Signal::TERM,
        quick_end: Signal::KILL,
        log: settings.log_file(server),
        url,
        logins: Vec::new(),
        monitor_url: None,
    })
}

/// Where it finds the servers, with what it may do there, and where it listens itself. Each learns its own role's
/// passwords only; the worker also makes the tables, as their owner.
pub(super) fn environment(
    server: Name,
    settings: &Settings,
    credentials: &Credentials,
) -> Result<Vec<(&'static str, String)>> {
    let addresses = match &settings.addresses_for_relay {
        Some(addresses) if server == Name::Broadcast => addresses,
        _ => &settings.addresses,
    };
    let role = match server {
        Name::ArchivalWorker => Role::Worker,
        Name::Broadcast => Role::Relay,
        Name::Api | Name::Redis | Name::Nats | Name::Postgres | Name::Localstack => Role::Functions,
    };
    let mut environment = vec![
        ("REDIS_URL", credentials.redis_url(addresses, role)?),
        ("NATS_URL", credentials.nats_url(addresses, role)?),
        ("WORKER_ADDR", addresses.worker.to_string()),
        ("RELAY_ADDR", addresses.relay.to_string()),
        ("API_ADDR", addresses.api.to_string()),
        ("LOCALSTACK_ADDR", addresses.localstack.to_string()),
    ];
    if role != Role::Relay {
        environment.push(("POSTGRES_URL", credentials.postgres_url(addresses, role)?));
    }
    if role == Role::Worker {
        environment.push(("MIGRATIONS_POSTGRES_URL", credentials.postgres_url(addresses, Role::Operator)?));
    }
    if settings.archive == Archive::Sqs {
        environment.extend(queue::environment(addresses));
    }
    environment.extend(settings.environment.iter().cloned());
    Ok(environment)
}
