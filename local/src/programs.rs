//! The programs of this workspace, which are built beside this one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub(crate) fn find(binary: &str) -> Result<PathBuf> {
    let this = std::env::current_exe().context("cannot tell where this program is")?;
    // A test's program is one folder deeper.
    let folders = this.ancestors().skip(1).take(2);
    let found = folders.map(|folder: &Path| folder.join(binary)).find(|path| path.is_file());
    found.with_context(|| {
        format!("the program `{binary}` is not built: run `cargo build --release --workspace --bins` first")
    })
}
