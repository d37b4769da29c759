//! Stops bids from waiting for what is away.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::AbortHandle;

/// Failures in a row after which it counts as away: one alone is a hiccup of the machine.
const FAILURES_MAX: u32 = 3;
/// How often an attempt in the background asks whether it is back. No bid waits for it.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);
/// A probe that hangs is given up, so that the next may find a new connection.
const PROBE_DEADLINE: Duration = Duration::from_secs(2);

/// Closed: bids wait for their event to leave. Open, after failures in a row: they do not wait, and a probe closes it.
pub(crate) struct Breaker {
    /// What may be away.
    name: &'static str,
    failures: Arc<AtomicU32>,
    probe: Mutex<Option<Probe>>,
}

struct Probe {
    started: Instant,
    task: AbortHandle,
}

impl Breaker {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, failures: Arc::default(), probe: Mutex::default() }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.failures.load(Ordering::Relaxed) < FAILURES_MAX
    }

    pub(crate) fn record(&self, succeeded: bool) {
        if succeeded {
            self.failures.store(0, Ordering::Relaxed);
        } else if self.failures.fetch_add(1, Ordering::Relaxed) + 1 == FAILURES_MAX {
            tracing::warn!("{} is away: bids no longer wait for it", self.name);
        }
    }

    /// Makes an attempt in the background, if none runs and the last is old enough. It answers whether it succeeded.
    pub(crate) fn probe<A: Future<Output = bool> + Send + 'static>(&self, attempt: impl FnOnce() -> A) {
        let mut probe = self.probe.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due =
            probe.as_ref().is_none_or(|last| last.task.is_finished() && last.started.elapsed() > PROBE_INTERVAL);
        if !is_due {
            return;
        }
        let (name, failures, attempt) = (self.name, Arc::clone(&self.failures), attempt());
        let task = tokio::spawn(async move {
            if tokio::time::timeout(PROBE_DEADLINE, attempt).await == Ok(true) {
                failures.store(0, Ordering::Relaxed);
                tracing::info!("{name} is back");
            }
        });
        *probe = Some(Probe { started: Instant::now(), task: task.abort_handle() });
    }
}

impl Drop for Breaker {
    fn drop(&mut self) {
        let probe = self.probe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(probe) = probe.as_ref() {
            probe.task.abort();
        }
    }
}
