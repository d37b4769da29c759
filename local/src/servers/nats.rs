//! NATS with JetStream: the messenger.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use crate::credentials::{Credentials, Role};
use crate::install::Programs;
use crate::name::Name;
use crate::probe::Probe;
use crate::server::Spec;
use crate::settings::Settings;

pub(super) fn prepare(settings: &Settings, programs: &Programs, credentials: &Credentials) -> Result<Spec> {
    let addresses = &settings.addresses;
    let data = settings.data_folder(Name::Nats);
    let configuration = data.join("nats.conf");
    let text = format!(
        "server_name: {}\nlisten: \"{}\"\nhttp: \"{}\"\njetstream {{ store_dir: {:?} }}\n{}",
        Name::Nats,
        addresses.nats,
        addresses.nats_monitor,
        data.display().to_string(),
        // It names its passwords, which come in the environment.
        include_str!("../../../infra/nats/users.conf"),
    );
    fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
    fs::write(&configuration, text).with_context(|| format!("cannot write {}", configuration.display()))?;
    let login = |role| Ok((role, credentials.nats_url(addresses, role)?));
    Ok(Spec {
        name: Name::Nats,
        program: programs.nats_server.clone(),
        arguments: vec!["--config".into(), configuration.into()],
        environment: credentials.of_server(Name::Nats),
        working_folder: data,
        account: None,
        listens: addresses.listens(Name::Nats),
        // With JetStream on, `/healthz` is 200 when the streams are recovered, not before.
        probe: Probe::Http(addresses.nats_monitor, "/healthz"),
        start_deadline: Duration::from_secs(60),
        polite_end: Signal::TERM,
        quick_end: Signal::KILL,
        log: settings.log_file(Name::Nats),
        url: addresses.nats_url(),
        logins: Role::ALL.into_iter().map(login).collect::<Result<_>>()?,
        monitor_url: Some(addresses.nats_monitor_url()),
    })
}
