//! What a process takes, by `/proc`.

use std::fs;

use super::family::Process;

#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    pub memory_kib: u64,
    /// Of all its threads.
    pub cpu_ms: u64,
}

/// Linux counts in hundredths of a second, whatever its own clock does.
pub(super) const MS_PER_TICK: u64 = 10;

impl Taken {
    pub fn by(pid: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(Self {
            memory_kib: memory.trim().trim_end_matches(" kB").parse().ok()?,
            cpu_ms: Process::read(pid)?.ticks * MS_PER_TICK,
        })
    }
}
