//! What a figure was measured on.

mod family;
mod process;
mod programs;
mod watch;

use std::fs;
use std::process::Command;

use rustix::process::setpriority_process;

pub use self::family::family;
pub use self::process::Taken;
pub use self::programs::{Programs, Times};
pub use self::watch::{Load as MachineLoad, Watch, process_time, thread_time};

/// Puts this thread before others where that is allowed, as it is to root: a generator that waits for a processor is late.
pub fn go_first() {
    const NICE: i32 = -15;
    let _ = setpriority_process(None, NICE);
}

/// The revision of the sources that this program was run in, with `+` if they are changed.
pub fn revision() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()
    };
    let revision = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    let changed = git(&["status", "--porcelain"]).is_some_and(|files| !files.is_empty());
    format!("{}{}", revision.trim(), if changed { "+" } else { "" })
}

/// `2 × Intel(R) Xeon(R) …, 8 GiB, Linux 6.18`
pub fn description() -> String {
    let of = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.split_once(':').map(|(_, value)| value.trim().to_owned()));
        line.unwrap_or_else(|| "?".to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory_kib = of("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse::<u64>().unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processor = of("/proc/cpuinfo", "model name");
    format!("{cores} × {processor}, {:.1} GiB, Linux {}", memory_kib as f64 / 1_048_576.0, kernel.trim())
}
