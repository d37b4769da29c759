//! nginx with nchan, and libuv for socketify: packages of the distribution, in its current version, unpacked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{How, Nchan, Peer, Program, keep, words};

const NGINX: [&str; 2] = ["nginx", "libnginx-mod-nchan"];
const LIBUV: [&str; 1] = ["libuv1"];

pub(super) fn nchan(folder: &Path) -> Result<Peer> {
    let folder = folder.join("nginx");
    unpack(&folder, &NGINX)?;
    let module = folder.join("usr/lib/nginx/modules/ngx_nchan_module.so");
    move_files(&module).context("nchan")?;
    let nginx = Program { path: folder.join("usr/sbin/nginx"), libraries: None };
    words(Command::new(&nginx.path).arg("-v")).context("nginx does not start here")?;
    let version = packages(&folder)?.join(", ");
    Ok(Peer { version, how: How::Nchan(Nchan { nginx, module }) })
}

/// nchan wants to keep long messages in a folder that only an installed nginx has, and its directive for another one does
/// not work. A name as long, below the folder that nginx runs in, takes its place.
fn move_files(module: &Path) -> Result<()> {
    const THEIRS: &[u8] = b"/var/lib/nginx/body\0";
    const OURS: &[u8] = b"nchan_message_files\0";
    let mut bytes = fs::read(module)?;
    let places: Vec<usize> = bytes
        .windows(THEIRS.len())
        .enumerate()
        .filter(|(_, window)| *window == THEIRS)
        .map(|(place, _)| place)
        .collect();
    for place in &places {
        bytes[*place..place + OURS.len()].copy_from_slice(OURS);
    }
    if places.is_empty() { Ok(()) } else { Ok(fs::write(module, bytes)?) }
}

/// The folder of the library.
pub(super) fn libuv(folder: &Path) -> Result<PathBuf> {
    let folder = folder.join("libuv");
    unpack(&folder, &LIBUV)?;
    let mut folders = fs::read_dir(folder.join("usr/lib"))?.flatten().map(|entry| entry.path());
    folders.find(|folder| folder.join("libuv.so.1").is_file()).context("the package libuv1 has no libuv.so.1")
}

fn unpack(folder: &Path, packages: &[&str]) -> Result<()> {
    keep(folder, &[("packages", &packages.join(" "))], || {
        for old in archives(folder)? {
            fs::remove_file(old)?;
        }
        let download =
            || words(Command::new("apt-get").args(["--quiet", "download"]).args(packages).current_dir(folder));
        if download().is_err() {
            // The lists of packages may be missing or too old.
            words(Command::new("apt-get").args(["--quiet", "update"])).context("apt-get update")?;
            download()?;
        }
        for file in archives(folder)? {
            words(Command::new("dpkg-deb").arg("-x").arg(file).arg(folder))?;
        }
        Ok(())
    })
}

fn archives(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let mut archives: Vec<_> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "deb")).collect();
    archives.sort();
    Ok(archives)
}

/// With their versions, which their files' names have: `nginx_1.22.1-9_amd64.deb`.
fn packages(folder: &Path) -> Result<Vec<String>> {
    let name = |path: PathBuf| {
        let name = path.file_stem()?.to_str()?.replace("%3a", ":");
        let (package, rest) = name.split_once('_')?;
        Some(format!("{package} {}", rest.split_once('_')?.0))
    };
    Ok(archives(folder)?.into_iter().filter_map(name).collect())
}
