//! A cluster made once and copied for each test: a copy takes a tenth of the time.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::create::{self, Disk};
use crate::credentials::Credentials;
use crate::install::Programs;
use crate::server::Account;
use crate::settings::Settings;

pub(super) async fn copy_to(
    data: &Path,
    account: Option<Account>,
    settings: &Settings,
    programs: &Programs,
    credentials: &Credentials,
) -> Result<()> {
    let template = ready(account, settings, programs, credentials).await?;
    let parent = data.parent().context("a data folder has a parent")?;
    fs::create_dir_all(parent)?;
    // The temporary folder is for us alone; let the user `postgres` pass through it.
    fs::set_permissions(&settings.folder, fs::Permissions::from_mode(0o711))?;
    let data = data.to_path_buf();
    tokio::task::spawn_blocking(move || copy(&template, &data)).await?
}

/// The template of this PostgreSQL; made by the first who needs it, while the others wait.
async fn ready(
    account: Option<Account>,
    settings: &Settings,
    programs: &Programs,
    credentials: &Credentials,
) -> Result<PathBuf> {
    let cache = settings.root.join(".local/template");
    let version = Command::new(programs.postgres_folder.join("postgres")).arg("--version").output()?;
    let words: String = String::from_utf8_lossy(&version.stdout).to_lowercase();
    let name: Vec<&str> =
        words.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    // With others in it, every copy would have to be given these passwords.
    let template = cache.join(format!("{}-{}", name.join("-"), credentials.id()));
    if template.join("PG_VERSION").exists() {
        return Ok(template);
    }
    fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let lock = File::create(cache.join("lock"))?;
    let _locked = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
    if !template.join("PG_VERSION").exists() {
        // Made in a temporary folder, which the user `postgres` can reach.
        let workshop = tempfile::Builder::new().prefix("bidding-template-").tempdir()?;
        fs::set_permissions(workshop.path(), fs::Permissions::from_mode(0o711))?;
        let made = workshop.path().join("cluster");
        create::create(&made, account, programs, credentials, Disk::DoNotWait).await?;
        let unfinished = cache.join("unfinished");
        let _ = fs::remove_dir_all(&unfinished);
        copy(&made, &unfinished)?;
        fs::rename(&unfinished, &template)?;
    }
    Ok(template)
}

/// `cp` keeps the owner, and shares the blocks where the file system can.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut command = Command::new("cp");
    command.args(["--archive", "--reflink=auto", "--no-target-directory"]).arg(from).arg(to);
    let output = command.output().context("cannot start cp")?;
    ensure!(output.status.success(), "cp to {}: {}", to.display(), String::from_utf8_lossy(&output.stderr));
    Ok(())
}
