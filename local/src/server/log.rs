//! The log file of a server: what it writes to its standard output and error, appended.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result};

/// Enough to see the reason, not so much that it scrolls away.
const TAIL_LINES: usize = 15;
const TAIL_BYTES: u64 = 8 * 1024;

pub(super) struct Log {
    pub(super) file: File,
    /// Where the next line will stand.
    pub(super) end: u64,
}

pub(super) fn open(path: &Path) -> Result<Log> {
    let open = || {
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        let file = File::options().create(true).append(true).open(path)?;
        let end = file.metadata()?.len();
        std::io::Result::Ok(Log { file, end })
    };
    open().with_context(|| format!("cannot open the log {}", path.display()))
}

/// The last lines, none from before the offset.
pub(super) fn tail(path: &Path, offset: u64) -> String {
    let read = || {
        let mut file = File::open(path)?;
        let start = offset.max(file.metadata()?.len().saturating_sub(TAIL_BYTES));
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        std::io::Result::Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    last.iter().map(|line| format!("  | {line}\n")).collect()
}
