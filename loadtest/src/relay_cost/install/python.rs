//! uWebSockets as a Python package, pinned by hash, in an environment of its own.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{How, Peer, Program, Script, debian, keep, on_path, words};

const REQUIREMENTS: &str = include_str!("../../../requirements-peers.txt");
const BUILD_REQUIREMENTS: &str = include_str!("../../../requirements-peers-build.txt");
const SERVER: &str = include_str!("../../../peers/socketify_server.py");

pub(super) fn socketify(folder: &Path) -> Result<Peer> {
    let libraries = debian::libuv(folder).context("libuv, which socketify needs")?;
    let folder = folder.join("socketify");
    let python = folder.join("venv/bin/python");
    let made_of =
        [("build-requirements.txt", BUILD_REQUIREMENTS), ("requirements.txt", REQUIREMENTS), ("server.py", SERVER)];
    keep(&folder, &made_of, || {
        words(Command::new(on_path("python3")?).args(["-m", "venv", "--clear"]).arg(folder.join("venv")))
            .context("a Python environment, on Debian of the package python3-venv")?;
        pip(&python, &folder, &["--only-binary=:all:", "--requirement", "build-requirements.txt"])?;
        pip(&python, &folder, &["--no-build-isolation", "--requirement", "requirements.txt"])
    })?;
    let pinned = REQUIREMENTS.lines().find_map(|line| line.strip_prefix("socketify==")).context("no socketify")?;
    let version = format!("socketify {}", pinned.trim_end_matches([' ', '\\']));
    let interpreter = Program { path: python, libraries: Some(libraries) };
    Ok(Peer { version, how: How::Script(Script { interpreter, file: folder.join("server.py") }) })
}

/// What is needed of what the packages depend on is listed with them.
fn pip(python: &Path, folder: &Path, arguments: &[&str]) -> Result<()> {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--timeout=30"]);
    pip.args(["--require-hashes", "--no-deps"]).args(arguments).current_dir(folder);
    words(&mut pip).map(drop)
}
