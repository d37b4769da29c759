//! PostgreSQL, whatever version the system has.

use std::fs;
use std::path::{Path, PathBuf};

use super::on_path;

/// Debian and Ubuntu keep the server's programs in a folder for each version, outside `PATH`.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The folder of `postgres` and `initdb`: that of `PATH`, or the newest version's.
pub(super) fn find() -> Option<PathBuf> {
    let initdb = on_path("initdb").and_then(|program| program.canonicalize().ok());
    let on_path = initdb.and_then(|program| Some(program.parent()?.to_path_buf())).filter(|folder| is_whole(folder));
    on_path.or_else(newest)
}

pub(super) fn missing_package() -> Option<&'static str> {
    find().is_none().then_some("postgresql")
}

fn newest() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?.flatten();
    let numbers = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut folders: Vec<(u32, PathBuf)> =
        numbers.map(|number| (number, Path::new(VERSIONS).join(number.to_string()).join("bin"))).collect();
    folders.retain(|(_, folder)| is_whole(folder));
    folders.into_iter().max().map(|(_, folder)| folder)
}

fn is_whole(folder: &Path) -> bool {
    ["postgres", "initdb"].iter().all(|program| folder.join(program).is_file())
}
