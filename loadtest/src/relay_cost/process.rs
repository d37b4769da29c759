//! A server's process and those below it: started, measured and ended.

use std::collections::HashMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::machine::family;

/// A server that is asked to end has this long.
const PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(5);

/// A process of ours. Dropping it kills it and what is below it.
pub(super) struct Process {
    child: Child,
}

impl Process {
    /// `log` takes what it says.
    pub(super) fn start(command: &Command, log: &Path) -> Result<Self> {
        let log = fs::File::create(log)?;
        let mut own = Command::new("setpriv");
        // If this program dies, nothing is left running. SIGTERM: a master has to end its workers.
        own.args(["--pdeathsig", "TERM", "--"]).arg(command.get_program()).args(command.get_args());
        own.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        own.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // The terminal's Ctrl-C is for this program.
        own.process_group(0);
        let child = own.spawn().context("cannot start setpriv, of the package util-linux")?;
        Ok(Self { child })
    }

    pub(super) fn pids(&self) -> Vec<u32> {
        family(self.child.id()).into_iter().map(|process| process.pid).collect()
    }

    pub(super) fn ensure_running(&mut self) -> Result<()> {
        let end = self.child.try_wait()?;
        ensure!(end.is_none(), "it ended: {}", end.unwrap_or_default());
        Ok(())
    }

    /// Asks it to end, and kills what is left.
    pub(super) fn stop(&mut self) -> Result<()> {
        self.signal(Signal::TERM);
        let asked_at = Instant::now();
        while asked_at.elapsed() < PATIENCE {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
        self.kill();
        Ok(())
    }

    fn kill(&mut self) {
        for pid in self.pids().into_iter().skip(1).filter_map(|pid| Pid::from_raw(pid.cast_signed())) {
            // The only possible failure is that it has ended.
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            // It is not collected yet, so its number is nobody else's.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
        }
    }
}

/// The CPU time of every thread of some processes, in nanoseconds. `/proc/PID/stat` has the same in steps of 10 ms, which
/// is more than a message to a thousand viewers takes.
#[derive(Debug)]
pub(super) struct CpuTimes(HashMap<(u32, String), u64>);

impl CpuTimes {
    pub(super) fn read(pids: &[u32]) -> Self {
        let mut times = HashMap::new();
        for pid in pids {
            for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
                let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
                if let Some(time) = text.split(' ').next().and_then(|time| time.parse().ok()) {
                    times.insert((*pid, thread.file_name().to_string_lossy().into_owned()), time);
                }
            }
        }
        Self(times)
    }

    /// A thread that has ended in between is left out.
    pub(super) fn nanoseconds_since(&self, earlier: &Self) -> u64 {
        let since = |(thread, time): (&(u32, String), &u64)| time - earlier.0.get(thread).copied().unwrap_or_default();
        self.0.iter().map(since).sum()
    }
}

/// The memory of some processes in bytes. What they share with others counts in parts (PSS).
pub(super) fn memory(pids: &[u32]) -> Result<u64> {
    let mut sum = 0;
    for pid in pids {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).context("a server's memory")?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kibibytes: u64 = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).context("no PSS")?;
        sum += kibibytes * 1024;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_measured_with_its_children_and_ends_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & while :; do :; done"]);
        let mut process = Process::start(&command, &folder.path().join("log")).unwrap();
        let begun_at = Instant::now();
        while process.pids().len() < 2 {
            assert!(begun_at.elapsed() < PATIENCE);
        }
        let pids = process.pids();
        let before = CpuTimes::read(&pids);
        while CpuTimes::read(&pids).nanoseconds_since(&before) < 1_000_000 {
            assert!(begun_at.elapsed() < PATIENCE);
        }
        assert!(memory(&pids).unwrap() > 0);
        process.ensure_running().unwrap();
        process.kill();
        assert!(process.ensure_running().is_err());
        assert!(family(std::process::id()).iter().all(|process| !pids.contains(&process.pid)));
    }
}
