//! The peers, installed into `.local/peers` without a right that this user has not: Debian's packages are unpacked there,
//! not installed. What cannot be had is named with the reason.

mod debian;
mod npm;
mod python;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::servers::Kind;

/// The peers that were asked for.
pub(super) struct Peers {
    peers: BTreeMap<Kind, std::result::Result<Peer, String>>,
}

struct Peer {
    version: String,
    how: How,
}

enum How {
    Nchan(Nchan),
    Nats(Program),
    Script(Script),
}

pub(super) struct Program {
    pub(super) path: PathBuf,
    /// Where it finds shared libraries, beside the usual places.
    libraries: Option<PathBuf>,
}

pub(super) struct Nchan {
    pub(super) nginx: Program,
    pub(super) module: PathBuf,
}

pub(super) struct Script {
    pub(super) interpreter: Program,
    pub(super) file: PathBuf,
}

impl Program {
    pub(super) fn libraries_for(&self, command: &mut Command) {
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
    }
}

impl Peers {
    /// Installs those of `kinds` that are not ours.
    pub(super) fn install(root: &Path, kinds: &[Kind]) -> Result<Self> {
        let folder = root.join(".local/peers");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        // Two at once: the second waits, and then finds everything there.
        let lock = fs::File::create(folder.join("install.lock"))?;
        lock.lock()?;
        let mut peers = BTreeMap::new();
        for kind in kinds.iter().copied() {
            let peer = match kind {
                Kind::Nchan => debian::nchan(&folder),
                Kind::Nats => nats(root),
                Kind::Socketify => python::socketify(&folder),
                Kind::Bun => npm::bun(&folder),
                Kind::Ws => npm::ws(&folder),
                Kind::Ours | Kind::OursCompressed => continue,
                Kind::Floor1 | Kind::Floor2 | Kind::Tungstenite | Kind::PastTungstenite => continue,
            };
            peers.insert(kind, peer.map_err(|error| format!("{error:#}")));
        }
        Ok(Self { peers })
    }

    /// With the reasons.
    pub(super) fn missing(&self) -> BTreeMap<Kind, String> {
        let reason =
            |(kind, peer): (&Kind, &std::result::Result<Peer, String>)| Some((*kind, peer.as_ref().err()?.clone()));
        self.peers.iter().filter_map(reason).collect()
    }

    pub(super) fn versions(&self) -> BTreeMap<Kind, String> {
        let version = |(kind, peer): (&Kind, &std::result::Result<Peer, String>)| {
            Some((*kind, peer.as_ref().ok()?.version.clone()))
        };
        self.peers.iter().filter_map(version).collect()
    }

    pub(super) fn nchan(&self) -> Result<&Nchan> {
        match self.how(Kind::Nchan)? {
            How::Nchan(nchan) => Ok(nchan),
            How::Nats(_) | How::Script(_) => bail!("not nchan"),
        }
    }

    pub(super) fn nats(&self) -> Result<&Program> {
        match self.how(Kind::Nats)? {
            How::Nats(program) => Ok(program),
            How::Nchan(_) | How::Script(_) => bail!("not NATS"),
        }
    }

    pub(super) fn script(&self, kind: Kind) -> Result<&Script> {
        match self.how(kind)? {
            How::Script(script) => Ok(script),
            How::Nchan(_) | How::Nats(_) => bail!("no script"),
        }
    }

    fn how(&self, kind: Kind) -> Result<&How> {
        let peer = self.peers.get(&kind).context("it was not asked for")?;
        peer.as_ref().map(|peer| &peer.how).map_err(|reason| anyhow::anyhow!("{reason}"))
    }
}

/// The server that the project has.
fn nats(root: &Path) -> Result<Peer> {
    let ours = root.join(".local/venv/bin/nats-server");
    let path = if ours.is_file() { ours } else { on_path("nats-server")? };
    let version = words(Command::new(&path).arg("--version"))?;
    let version = version.trim().trim_start_matches("nats-server: ").to_owned();
    Ok(Peer { version, how: How::Nats(Program { path, libraries: None }) })
}

fn on_path(program: &str) -> Result<PathBuf> {
    let words = words(Command::new("sh").arg("-c").arg(format!("command -v {program}")));
    let path = words.with_context(|| format!("{program} is not installed"))?;
    Ok(PathBuf::from(path.trim()))
}

/// What a command prints, which has to succeed.
fn words(command: &mut Command) -> Result<String> {
    let name = OsString::from(command.get_program());
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {}", name.display()))?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed ({}): {}", name.display(), output.status, error.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Writes what a peer is made of, and installs unless it was installed from just that before.
fn keep(folder: &Path, made_of: &[(&str, &str)], install: impl FnOnce() -> Result<()>) -> Result<()> {
    fs::create_dir_all(folder)?;
    let text: String = made_of.iter().map(|(name, text)| format!("{name}\n{text}\n")).collect();
    let installed = folder.join("installed");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == text) {
        return Ok(());
    }
    for (name, text) in made_of {
        fs::write(folder.join(name), text)?;
    }
    eprintln!("installing into {}", folder.display());
    install()?;
    // Written last: it says that the installation was finished.
    Ok(fs::write(installed, text)?)
}
