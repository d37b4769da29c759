//! PostgreSQL: the memory. Database and owner `bidding`, no password on loopback; a password for the roles below it.

mod create;
mod roles;
mod shared_memory;
mod template;
mod user;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

pub(crate) use self::shared_memory::give_back_shared_memory;
pub(crate) use self::user::data_folder;
use crate::credentials::{Credentials, Role};
use crate::install::Programs;
use crate::name::Name;
use crate::probe::Probe;
use crate::server::Spec;
use crate::settings::{Durability, Settings};

/// The owner is trusted on this machine, as the contract has it; the superuser may not come in at all.
const WHO_MAY_CONNECT: &str = "\
# TYPE DATABASE USER ADDRESS METHOD
host all bidding 127.0.0.1/32 trust
host all bidding ::1/128 trust
host bidding functions,worker 127.0.0.1/32 scram-sha-256
host bidding functions,worker ::1/128 scram-sha-256
";

pub(super) async fn prepare(settings: &Settings, programs: &Programs, credentials: &Credentials) -> Result<Spec> {
    let address = settings.addresses.postgres;
    let account = user::account()?;
    let data = data_folder(settings);
    let own_folder = settings.data_folder(Name::Postgres);
    let is_quick = settings.durability == Durability::Quick;
    ensure!(
        !is_quick || data == own_folder,
        "the user `postgres` cannot reach {}: set TMPDIR to a folder that everybody may pass through",
        own_folder.display()
    );
    if !data.join("PG_VERSION").exists() {
        match settings.durability {
            Durability::Durable => create::create(&data, account, programs, credentials, create::Disk::Wait).await?,
            Durability::Quick => template::copy_to(&data, account, settings, programs, credentials).await?,
        }
    }
    roles::renew(&data, account, programs, credentials).await?;
    let access = data.join("pg_hba.conf");
    fs::write(&access, WHO_MAY_CONNECT).with_context(|| format!("cannot write {}", access.display()))?;
    let mut options = vec![
        format!("listen_addresses={}", address.ip()),
        format!("port={}", address.port()),
        // A socket's path has at most 107 bytes, and the folder may be deep.
        "unix_socket_directories=".to_owned(),
        "max_connections=200".to_owned(),
    ];
    if is_quick {
        options.extend(["fsync=off", "full_page_writes=off"].map(str::to_owned));
        // Otherwise a killed server would leave its shared memory behind in /dev/shm.
        options.push("dynamic_shared_memory_type=mmap".to_owned());
    }
    let mut arguments = vec!["-D".into(), data.into_os_string()];
    arguments.extend(options.into_iter().flat_map(|option| ["-c".into(), option.into()]));
    let login = |role| Ok((role, credentials.postgres_url(&settings.addresses, role)?));
    let roles = [Role::Operator, Role::Functions, Role::Worker];
    Ok(Spec {
        name: Name::Postgres,
        program: programs.postgres_folder.join("postgres"),
        arguments,
        environment: Vec::new(),
        // The user `postgres` may not enter ours.
        working_folder: PathBuf::from("/"),
        account,
        listens: settings.addresses.listens(Name::Postgres),
        probe: Probe::Postgres(address),
        start_deadline: Duration::from_secs(60),
        // "Fast": it ends the sessions; SIGTERM would wait for them.
        polite_end: Signal::INT,
        // "Immediate": like a crash, but it takes its own processes with it, also those that are paused, and gives back
        // its shared memory. Killed, it would do neither.
        quick_end: Signal::QUIT,
        log: settings.log_file(Name::Postgres),
        url: settings.addresses.postgres_url(),
        logins: roles.into_iter().map(login).collect::<Result<_>>()?,
        monitor_url: None,
    })
}
