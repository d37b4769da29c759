//! Stops bids from waiting for what is away.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
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
///
/// Between two events a sandbox is frozen, and its probe with it. Where events are so few that a probe would only ever
/// sleep, they wait for their own attempt, open or not.
pub(crate) struct Breaker {
    /// What may be away.
    name: &'static str,
    failures: Arc<AtomicU32>,
    attempts: Mutex<Attempts>,
}

#[derive(Default)]
struct Attempts {
    last: Option<Instant>,
    probe: Option<AbortHandle>,
}

impl Breaker {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, failures: Arc::default(), attempts: Mutex::default() }
    }

    /// Whether an event waits for its own attempt, whose outcome is to be recorded.
    pub(crate) fn waits(&self) -> bool {
        let is_closed = self.failures.load(Ordering::Relaxed) < FAILURES_MAX;
        is_closed || self.attempts().last.is_none_or(|last| last.elapsed() > PROBE_DEADLINE)
    }

    /// `failure` says why it failed.
    pub(crate) fn record(&self, failure: Option<&str>) {
        self.attempts().last = Some(Instant::now());
        match failure {
            None if self.failures.swap(0, Ordering::Relaxed) >= FAILURES_MAX => tracing::info!("{} is back", self.name),
            None => {}
            Some(why) if self.failures.fetch_add(1, Ordering::Relaxed) + 1 == FAILURES_MAX => {
                tracing::warn!("{} is away: bids no longer wait for it ({why})", self.name);
            }
            Some(_) => {}
        }
    }

    /// Makes an attempt in the background, if none runs and the last is old enough. It answers whether it succeeded.
    pub(crate) fn probe<A: Future<Output = bool> + Send + 'static>(&self, attempt: impl FnOnce() -> A) {
        let mut attempts = self.attempts();
        let runs = attempts.probe.as_ref().is_some_and(|probe| !probe.is_finished());
        if runs || attempts.last.is_some_and(|last| last.elapsed() <= PROBE_INTERVAL) {
            return;
        }
        let (name, failures, attempt) = (self.name, Arc::clone(&self.failures), attempt());
        let task = tokio::spawn(async move {
            if tokio::time::timeout(PROBE_DEADLINE, attempt).await == Ok(true) {
                failures.store(0, Ordering::Relaxed);
                tracing::info!("{name} is back");
            }
        });
        *attempts = Attempts { last: Some(Instant::now()), probe: Some(task.abort_handle()) };
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Breaker {
    fn drop(&mut self) {
        if let Some(probe) = self.attempts().probe.as_ref() {
            probe.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Breaker {
        let breaker = Breaker::new("something");
        for _ in 0..FAILURES_MAX {
            assert!(breaker.waits());
            breaker.record(Some("no answer"));
        }
        breaker
    }

    #[tokio::test]
    async fn after_failures_in_a_row_nobody_waits_until_a_probe_succeeds() {
        let breaker = open();
        assert!(!breaker.waits());
        breaker.attempts().last = Some(Instant::now() - PROBE_INTERVAL * 2);
        breaker.probe(|| async { true });
        while !breaker.waits() {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn who_comes_seldom_waits_for_its_own_attempt() {
        let breaker = open();
        breaker.attempts().last = Some(Instant::now() - PROBE_DEADLINE * 2);
        assert!(breaker.waits());
        breaker.record(Some("no answer"));
        assert!(!breaker.waits(), "only once in a while");
        breaker.attempts().last = Some(Instant::now() - PROBE_DEADLINE * 2);
        breaker.record(None);
        assert!(breaker.waits());
    }
}
