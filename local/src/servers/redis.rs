//! Redis: the judge. It writes every change to its append-only file and evicts nothing.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use crate::install::Programs;
use crate::name::Name;
use crate::probe::Probe;
use crate::server::Spec;
use crate::settings::Settings;

pub(super) fn prepare(settings: &Settings, programs: &Programs) -> Result<Spec> {
    let address = settings.addresses.redis;
    let data = settings.data_folder(Name::Redis);
    fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    let arguments = [
        ["--bind", &ip],
        ["--port", &port],
        ["--appendonly", "yes"],
        ["--appendfsync", "everysec"],
        ["--maxmemory-policy", "noeviction"],
        // No snapshots beside the append-only file.
        ["--save", ""],
    ];
    Ok(Spec {
        name: Name::Redis,
        program: programs.redis_server.clone(),
        arguments: arguments.iter().flatten().map(Into::into).collect(),
        environment: Vec::new(),
        working_folder: data,
        account: None,
        listens: settings.addresses.listens(Name::Redis),
        probe: Probe::Redis(address),
        // A long append-only file takes its time to read.
        start_deadline: Duration::from_secs(60),
        polite_end: Signal::TERM,
        quick_end: Signal::KILL,
        log: settings.log_file(Name::Redis),
        url: settings.addresses.redis_url(),
        monitor_url: None,
    })
}
