//! What happens by the passing of time: timeouts, the end of idle sandboxes, and the start of missing ones.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Pool;
use crate::lambda::invocation::End;
use crate::lambda::sandbox::Sandbox;

/// How exactly timeouts and idle times are kept.
const INTERVAL: Duration = Duration::from_millis(20);
/// The sweep is never so late, unless this process was frozen.
const PAUSED: Duration = Duration::from_secs(1);
/// Lambda's bound for the initialisation.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two looks at the memory of the sandboxes.
const MEMORY_INTERVAL: Duration = Duration::from_secs(1);
/// Between two starts of sandboxes that are kept ready, so that one that crashes at its start does not take the machine.
const PROVISION_INTERVAL: Duration = Duration::from_secs(1);

impl Pool {
    pub(super) async fn sweep(self: Arc<Self>) {
        let (mut measured, mut provisioned) = (Instant::now(), None::<Instant>);
        let mut last = Instant::now();
        loop {
            let now = Instant::now();
            // After a pause of this process, answers that came meanwhile are read before anybody is found too late.
            if now - last < PAUSED {
                self.end_overdue(now);
                self.lock().reclaim(now);
            }
            last = now;
            let unmet = self.lock().take_unmet(now);
            unmet.into_iter().for_each(|invocation| self.place(invocation));
            if now - measured >= MEMORY_INTERVAL {
                self.measure();
                measured = now;
            }
            if provisioned.is_none_or(|last| now - last >= PROVISION_INTERVAL) {
                self.provision();
                provisioned = Some(now);
            }
            self.reports.flush();
            if self.closing.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_none() {
                return;
            }
        }
    }

    fn provision(self: &Arc<Self>) {
        loop {
            let missing = self.lock().provision();
            let Some(key) = missing else { return };
            self.run_sandbox(key);
        }
    }

    /// Kills the sandboxes that have taken too long, and answers for them.
    fn end_overdue(&self, now: Instant) {
        let overdue = self.lock().take_overdue(now, INIT_TIMEOUT);
        for (request_id, running, sandbox) in overdue {
            self.reports.invoked(self, request_id, &running, &sandbox, &End::TimedOut);
            running.end(End::TimedOut, &sandbox.id);
        }
    }

    /// Reads outside the lock: it takes longer than giving an event to a sandbox.
    fn measure(&self) {
        let pid = |sandbox: &Sandbox| sandbox.process.as_ref().map(|process| process.pid);
        let processes: Vec<_> =
            self.lock().sandboxes.iter().filter_map(|(key, sandbox)| Some((*key, pid(sandbox)?))).collect();
        for (key, pid) in processes {
            let peak = peak_memory_kib(pid);
            if let Some(sandbox) = self.lock().get_mut(key) {
                sandbox.peak_memory_kib = sandbox.peak_memory_kib.max(peak);
            }
        }
    }
}

/// The most that a process has had in memory so far.
pub(super) fn peak_memory_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse().unwrap_or_default()
}
