//! Stops bids from waiting for a NATS that is away.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use async_nats::Client;
use tokio::task::AbortHandle;

/// Timeouts in a row after which NATS counts as away: one alone is a hiccup of the machine.
const FAILURES_MAX: u32 = 3;
/// How often one flush in the background asks whether NATS is back. No bid waits for it.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);
/// A probe that hangs is given up, so that the next may find a new connection.
const PROBE_DEADLINE: Duration = Duration::from_secs(2);

/// Closed: bids wait for their event to leave. Open, after failures in a row: they do not wait, and a probe closes it.
#[derive(Default)]
pub(super) struct Breaker {
    failures: std::sync::Arc<AtomicU32>,
    probe: Mutex<Option<Probe>>,
}

struct Probe {
    started: Instant,
    task: AbortHandle,
}

impl Breaker {
    pub(super) fn is_closed(&self) -> bool {
        self.failures.load(Ordering::Relaxed) < FAILURES_MAX
    }

    pub(super) fn record(&self, succeeded: bool) {
        if succeeded {
            self.failures.store(0, Ordering::Relaxed);
        } else if self.failures.fetch_add(1, Ordering::Relaxed) + 1 == FAILURES_MAX {
            tracing::warn!("NATS is away: bids no longer wait for it");
        }
    }

    /// Starts a probe if none runs and the last is old enough.
    pub(super) fn probe(&self, client: &Client) {
        let mut probe = self.probe.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due =
            probe.as_ref().is_none_or(|last| last.task.is_finished() && last.started.elapsed() > PROBE_INTERVAL);
        if !is_due {
            return;
        }
        let (client, failures) = (client.clone(), self.failures.clone());
        let flush = async move {
            if let Ok(Ok(())) = tokio::time::timeout(PROBE_DEADLINE, client.flush()).await {
                failures.store(0, Ordering::Relaxed);
                tracing::info!("NATS is back");
            }
        };
        *probe = Some(Probe { started: Instant::now(), task: tokio::spawn(flush).abort_handle() });
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
