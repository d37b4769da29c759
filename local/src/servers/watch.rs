//! The Lambda functions under `cargo lambda watch`, for development: rebuilt and started again when a source changes.

use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use super::ours;
use crate::credentials::{Credentials, Role};
use crate::install::Programs;
use crate::name::Name;
use crate::probe::Probe;
use crate::server::Spec;
use crate::settings::{Archive, Settings};

pub(super) fn prepare(settings: &Settings, programs: &Programs, credentials: &Credentials) -> Result<Spec> {
    let address = settings.addresses.api;
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    // Never `--timeout`: it ends functions that are merely idle, and watch does not start them again.
    let words = ["lambda", "watch", "--release", "--concurrency", "4", "--invoke-address", &ip, "--invoke-port", &port];
    let mut environment = ours::environment(Name::Api, settings, credentials)?;
    if settings.archive == Archive::Sqs {
        // All functions share it, and one of them does the worker's work.
        environment.push(("REDIS_URL", credentials.redis_url(&settings.addresses, Role::Worker)?));
        environment.push(("POSTGRES_URL", credentials.postgres_url(&settings.addresses, Role::Worker)?));
    }
    Ok(Spec {
        name: Name::Api,
        program: programs.cargo_lambda.clone().context("cargo-lambda is missing: run `local install --watch`")?,
        arguments: words.map(Into::into).to_vec(),
        environment,
        working_folder: settings.root.clone(),
        account: None,
        listens: settings.addresses.listens(Name::Api),
        // It compiles a function when the first request for it comes.
        probe: Probe::Listening(address),
        start_deadline: Duration::from_secs(60),
        polite_end: Signal::INT,
        quick_end: Signal::INT,
        log: settings.log_file(Name::Api),
        url: settings.addresses.api_url(),
        logins: Vec::new(),
        monitor_url: None,
    })
}
