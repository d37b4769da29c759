//! What a process takes, by `/proc`.

use std::fs;

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
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name may have spaces in it.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
        let mut ticks = || fields.next()?.parse::<u64>().ok();
        Some(Self {
            memory_kib: memory.trim().trim_end_matches(" kB").parse().ok()?,
            cpu_ms: (ticks()? + ticks()?) * MS_PER_TICK,
        })
    }
}
