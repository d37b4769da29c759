//! Redis. Debian and Ubuntu ship the server's binary as `redis-check-rdb` in the package `redis-tools`; the package
//! `redis-server` adds only a link to it, and a service on our port. The binary goes by the name it is called with.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::on_path;

pub(super) fn find(root: &Path) -> Option<PathBuf> {
    on_path("redis-server").or_else(|| Some(own_link(root)).filter(|link| link.is_file()))
}

pub(super) fn missing_package(root: &Path) -> Option<&'static str> {
    let is_there = find(root).is_some() || on_path("redis-check-rdb").is_some();
    (!is_there).then_some("redis-tools")
}

/// A link with the server's name to the system's binary, for systems that have no such link themselves.
pub(super) fn link(root: &Path) -> Result<()> {
    if find(root).is_some() {
        return Ok(());
    }
    let binary = on_path("redis-check-rdb").context("the package `redis-tools` brought no `redis-check-rdb`")?;
    let link = own_link(root);
    let make = || {
        fs::create_dir_all(link.parent().unwrap_or(root))?;
        match fs::remove_file(&link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => symlink(&binary, &link),
        }
    };
    make().with_context(|| format!("cannot link {}", link.display()))
}

fn own_link(root: &Path) -> PathBuf {
    root.join(".local/bin/redis-server")
}
