//! `local clean`

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, Result};

use super::say;
use crate::control::RunLock;
use crate::name::Name;
use crate::servers;
use crate::settings::Settings;

/// All three together: a Redis without the others' data, or the other way round, would be repaired as after a loss.
pub(super) fn run() -> Result<()> {
    let settings = Settings::from_env()?;
    let _lock = RunLock::take().context("the data cannot be wiped under running servers")?;
    // The passwords go too: the next run draws new ones.
    for file in [settings.credentials_file(), settings.redis_users_file()] {
        match fs::remove_file(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            result => result.with_context(|| format!("cannot remove {}", file.display()))?,
        }
    }
    let folders = [
        settings.data_folder(Name::Redis),
        settings.data_folder(Name::Nats),
        settings.data_folder(Name::Postgres),
        servers::postgres_data_folder(&settings),
    ];
    for folder in folders {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            result => {
                result.with_context(|| format!("cannot remove {}", folder.display()))?;
                say(format!("removed {}", folder.display()));
                // The folder above it, if nothing else is in it.
                let _ = fs::remove_dir(folder.parent().unwrap_or(&folder));
            }
        }
    }
    Ok(())
}
