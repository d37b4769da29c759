//! The system's packages, on Debian and its relatives.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::geteuid;

use super::on_path;

/// Installs packages without creating or starting a service. Needs root, or `sudo` without a password.
const SCRIPT: &str = include_str!("apt.sh");

pub(super) fn install(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    if on_path("apt-get").is_none() {
        bail!(
            "missing: {names} (the names of Debian's packages), and there is no apt-get here: install Redis 7 and \
             PostgreSQL 15 or later, so that `redis-server` and `initdb` are on PATH"
        );
    }
    let Some(become_root) = become_root() else {
        bail!("missing packages, and neither root nor `sudo -n` to install them: sudo apt-get install {names}");
    };
    eprintln!("installing the packages {names}");
    let words: Vec<&str> = become_root.iter().copied().chain(["sh", "-c", SCRIPT, "apt.sh"]).collect();
    let (program, arguments) = words.split_first().context("the script has words")?;
    let mut command = Command::new(program);
    command.args(arguments).args(packages).stdin(Stdio::null()).stdout(std::io::stderr());
    let status = command.status().with_context(|| format!("cannot start {program}"))?;
    ensure!(status.success(), "apt-get could not install {names} ({status}): its words are above");
    Ok(())
}

/// The words that run a command as root; none if that is not possible.
fn become_root() -> Option<&'static [&'static str]> {
    if geteuid().is_root() {
        return Some(&[]);
    }
    on_path("sudo")?;
    let sudo = Command::new("sudo").args(["-n", "true"]).stdin(Stdio::null()).stderr(Stdio::null()).status();
    sudo.is_ok_and(|status| status.success()).then_some(&["sudo", "-n"])
}
