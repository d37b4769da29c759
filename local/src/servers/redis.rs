//! Redis: the judge. It writes every change to its append-only file and evicts nothing.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::credentials::{Credentials, Role};
use crate::install::Programs;
use crate::name::Name;
use crate::probe::Probe;
use crate::server::Spec;
use crate::settings::{Fsync, Settings};

pub(super) fn prepare(settings: &Settings, programs: &Programs, credentials: &Credentials) -> Result<Spec> {
    let address = settings.addresses.redis;
    let data = settings.data_folder(Name::Redis);
    fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    let users = settings.redis_users_file();
    write_users(&users, credentials).with_context(|| format!("cannot write {}", users.display()))?;
    let options = [
        ["--bind", &ip],
        ["--port", &port],
        ["--appendonly", "yes"],
        ["--appendfsync", "everysec"],
        ["--maxmemory-policy", "noeviction"],
        // The idempotency keys of a hot item's day are many, and no bid should wait for their memory to be freed.
        ["--lazyfree-lazy-expire", "yes"],
        // No snapshots beside the append-only file.
        ["--save", ""],
    ];
    let mut arguments: Vec<OsString> = vec![users.into()];
    arguments.extend(options.as_flattened().iter().map(Into::into));
    if settings.fsync == Fsync::Always {
        // Of two the last counts.
        arguments.extend(["--appendfsync".into(), "always".into()]);
    }
    let login = |role| Ok((role, credentials.redis_url(&settings.addresses, role)?));
    Ok(Spec {
        name: Name::Redis,
        program: programs.redis_server.clone(),
        arguments,
        environment: Vec::new(),
        working_folder: data,
        account: None,
        listens: settings.addresses.listens(Name::Redis),
        probe: Probe::Redis(address, credentials.password(Name::Redis, Role::Operator)?.to_owned()),
        // A long append-only file takes its time to read.
        start_deadline: Duration::from_secs(60),
        polite_end: Signal::TERM,
        quick_end: Signal::KILL,
        log: settings.log_file(Name::Redis),
        url: settings.addresses.redis_url(),
        logins: Role::ALL.into_iter().map(login).collect::<Result<_>>()?,
        monitor_url: None,
    })
}

/// The users of `infra/`, with their passwords.
fn write_users(path: &Path, credentials: &Credentials) -> Result<()> {
    let mut text = include_str!("../../../infra/redis/users.conf").to_owned();
    for (name, password) in credentials.of_server(Name::Redis) {
        text = text.replace(&format!("${{{name}}}"), &password);
    }
    ensure!(!text.contains("${"), "a password is missing");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}
