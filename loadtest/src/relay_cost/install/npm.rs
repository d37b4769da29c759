//! `ws` and bun, as the lock file has them. Nothing that a package wants to run is run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{How, Peer, Program, Script, keep, on_path, words};

const MADE_OF: [(&str, &str); 4] = [
    ("package.json", include_str!("../../../peers/package.json")),
    ("package-lock.json", include_str!("../../../peers/package-lock.json")),
    ("ws_server.js", include_str!("../../../peers/ws_server.js")),
    ("bun_server.js", include_str!("../../../peers/bun_server.js")),
];

pub(super) fn ws(folder: &Path) -> Result<Peer> {
    let folder = install(folder)?;
    let node = on_path("node")?;
    let description = std::fs::read_to_string(folder.join("node_modules/ws/package.json"))?;
    let description: Value = serde_json::from_str(&description)?;
    let version = description["version"].as_str().context("ws has no version")?;
    let version = format!("ws {version}, Node.js {}", words(Command::new(&node).arg("--version"))?.trim());
    Ok(script(version, node, folder.join("ws_server.js")))
}

/// The packages of bun hold the program and nothing else.
pub(super) fn bun(folder: &Path) -> Result<Peer> {
    let folder = install(folder)?;
    let bun = folder.join(format!("node_modules/@oven/bun-linux-{}/bin/bun", architecture()));
    let version = words(Command::new(&bun).arg("--version")).context("bun was not installed or does not run here")?;
    Ok(script(format!("bun {}", version.trim()), bun, folder.join("bun_server.js")))
}

fn install(folder: &Path) -> Result<PathBuf> {
    let folder = folder.join("npm");
    keep(&folder, &MADE_OF, || {
        let mut npm = Command::new(on_path("npm")?);
        words(npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder)).map(drop)
    })?;
    Ok(folder)
}

fn architecture() -> &'static str {
    if cfg!(target_arch = "x86_64") { "x64" } else { std::env::consts::ARCH }
}

fn script(version: String, interpreter: PathBuf, file: PathBuf) -> Peer {
    let interpreter = Program { path: interpreter, libraries: None };
    Peer { version, how: How::Script(Script { interpreter, file }) }
}
