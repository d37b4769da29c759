//! Which servers to run, and where.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::config::{self, Addresses};
use crate::install::Extras;
use crate::name::Name;
use crate::ports::Lease;
use crate::servers;

/// Which servers to run, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the project is: its `.local` holds the installed programs.
    pub root: PathBuf,
    /// Holds `data/NAME` and `logs/NAME.log`.
    pub folder: PathBuf,
    pub servers: Vec<Name>,
    pub addresses: Addresses,
    pub api: Api,
    pub archive: Archive,
    /// Added to the environment of our own processes, which otherwise is that of this process.
    pub environment: Vec<(&'static str, String)>,
    pub durability: Durability,
    pub fsync: Fsync,
    /// Where the relay finds the others, if something stands between them that can be cut.
    pub addresses_for_relay: Option<Addresses>,
    pub(crate) temporary: Option<Arc<Temporary>>,
}

/// What answers HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Api {
    /// The Lambda functions, each event in a sandbox as on Lambda.
    #[default]
    Lambda,
    /// The `api` binary: the same routes in one process.
    Api,
    /// The Lambda functions under `cargo lambda watch`: rebuilt when a source file changes.
    Watch,
}

/// Who brings accepted bids to PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Archive {
    /// The archival worker, from JetStream.
    #[default]
    Nats,
    /// The function `archive-bids`, from a queue of SQS, which LocalStack plays here.
    Sqs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// PostgreSQL waits for the disk.
    Durable,
    /// PostgreSQL is copied from a prepared folder and does not wait for the disk: what is written survives the death of
    /// the server, not of the machine.
    Quick,
}

/// When Redis waits for the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Fsync {
    /// Once a second: a machine that loses its power loses what was accepted since.
    #[default]
    Everysec,
    /// Before each answer.
    Always,
}

/// What a test system owns and gives back: its folder, and its claim on the ports.
#[derive(Debug)]
pub(crate) struct Temporary {
    folder: TempDir,
    _ports: Vec<Lease>,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        servers::give_back_shared_memory(&data_folder(self.folder.path(), Name::Postgres));
    }
}

impl Settings {
    /// The system of `local run`: addresses from the environment, everything in `.local`.
    pub fn from_env() -> Result<Self> {
        let root = config::project_root()?;
        Ok(Self {
            folder: root.join(".local"),
            root,
            servers: Name::ALL.to_vec(),
            addresses: Addresses::from_env()?,
            api: Api::default(),
            archive: Archive::default(),
            environment: Vec::new(),
            durability: Durability::Durable,
            fsync: Fsync::default(),
            addresses_for_relay: None,
            temporary: None,
        })
    }

    /// A system for one test: free ports, and a folder that goes with the last of its servers.
    pub fn temporary(servers: &[Name]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bidding-").tempdir().context("no temporary folder")?;
        let (addresses, ports) = Addresses::free()?;
        Ok(Self {
            root: config::project_root()?,
            folder: folder.path().to_path_buf(),
            servers: servers.to_vec(),
            addresses,
            api: Api::default(),
            archive: Archive::default(),
            environment: Vec::new(),
            durability: Durability::Quick,
            fsync: Fsync::default(),
            addresses_for_relay: None,
            temporary: Some(Arc::new(Temporary { folder, _ports: ports })),
        })
    }

    /// With SQS in JetStream's place, and what plays it.
    pub fn archive_by_sqs(&mut self) {
        self.archive = Archive::Sqs;
        if !self.servers.contains(&Name::Localstack) {
            self.servers.push(Name::Localstack);
        }
    }

    pub(crate) fn extras(&self) -> Extras {
        Extras { cargo_lambda: self.api == Api::Watch, localstack: self.servers.contains(&Name::Localstack) }
    }

    pub(crate) fn data_folder(&self, server: Name) -> PathBuf {
        data_folder(&self.folder, server)
    }

    /// With the data, and gone with the data. Tests share one: their PostgreSQL is a copy, with the passwords in it.
    pub(crate) fn credentials_file(&self) -> PathBuf {
        let folder = match self.durability {
            Durability::Durable => self.folder.join("data"),
            Durability::Quick => self.root.join(".local/template"),
        };
        folder.join("credentials.env")
    }

    /// Beside the data of Redis, so that whoever wipes those does not wipe who may log in.
    pub(crate) fn redis_users_file(&self) -> PathBuf {
        self.folder.join("data/redis-users.conf")
    }

    /// What became of every invocation in a sandbox.
    pub(crate) fn report_file(&self) -> PathBuf {
        self.folder.join("logs").join(format!("{}.reports.jsonl", Name::Api))
    }

    pub(crate) fn log_file(&self, server: Name) -> PathBuf {
        self.folder.join("logs").join(format!("{server}.log"))
    }
}

fn data_folder(folder: &Path, server: Name) -> PathBuf {
    folder.join("data").join(server.as_str())
}
