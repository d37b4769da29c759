//! LocalStack without Docker, for its SQS alone. It keeps nothing when it ends: queues are made again by who uses them.

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
    let address = settings.addresses.localstack;
    let data = settings.data_folder(Name::Localstack);
    fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
    let folder = data.display().to_string();
    Ok(Spec {
        name: Name::Localstack,
        program: programs.localstack_python.clone().context("LocalStack is missing: run `local install --sqs`")?,
        arguments: ["-m", "localstack.runtime.main"].map(Into::into).to_vec(),
        environment: vec![
            ("GATEWAY_LISTEN", address.to_string()),
            ("SERVICES", "sqs".to_owned()),
            ("STRICT_SERVICE_LOADING", "1".to_owned()),
            ("EAGER_SERVICE_LOADING", "1".to_owned()),
            // It asks nobody and tells nobody.
            ("DISABLE_EVENTS", "1".to_owned()),
            ("SKIP_SSL_CERT_DOWNLOAD", "1".to_owned()),
            ("DNS_ADDRESS", "0".to_owned()),
            ("USE_SSL", "0".to_owned()),
            ("LS_LOG", "warning".to_owned()),
            // What it would put elsewhere.
            ("FILESYSTEM_ROOT", folder.clone()),
            ("HOME", folder.clone()),
            ("XDG_CACHE_HOME", folder),
        ],
        working_folder: data,
        account: None,
        listens: settings.addresses.listens(Name::Localstack),
        probe: Probe::Http(address, "/_localstack/health"),
        start_deadline: Duration::from_secs(120),
        polite_end: Signal::TERM,
        quick_end: Signal::KILL,
        log: settings.log_file(Name::Localstack),
        url: settings.addresses.sqs_url(),
        logins: Vec::new(),
        monitor_url: None,
    })
}
