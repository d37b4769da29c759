//! A killed PostgreSQL leaves a few bytes of System V shared memory behind, which its next start on the same folder
//! removes. A test's server has no next start, and the kernel has room for 4096 of them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Only for a cluster that will not be started again.
pub(crate) fn give_back_shared_memory(data: &Path) {
    // Its seventh line is the key and the id of the shared memory; in order, PostgreSQL removes the file when it ends.
    let Ok(text) = fs::read_to_string(data.join("postmaster.pid")) else { return };
    let Some(id) = text.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)) else { return };
    // Nothing depends on it: it is a courtesy to the machine.
    let _ = Command::new("ipcrm").args(["-m", id]).stdout(Stdio::null()).stderr(Stdio::null()).status();
}
