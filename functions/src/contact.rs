//! When a server answered last. A sandbox is frozen for minutes, and its connections may break meanwhile unnoticed.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// After this time without an answer a connection is asked whether it lives, before something is sent that must not be
/// sent twice.
const TRUSTED: Duration = Duration::from_secs(1);

pub(crate) struct Contact {
    started: Instant,
    /// Milliseconds from the start to the last answer; 0 before the first one.
    answered_ms: AtomicU64,
}

impl Default for Contact {
    fn default() -> Self {
        Self { started: Instant::now(), answered_ms: AtomicU64::new(0) }
    }
}

impl Contact {
    pub(crate) fn answered(&self) {
        self.answered_ms.store(self.now_ms().max(1), Ordering::Relaxed);
    }

    /// Whether there is a connection that was used, but not lately. A new one is none.
    pub(crate) fn may_be_lost(&self) -> bool {
        let answered_ms = self.answered_ms.load(Ordering::Relaxed);
        answered_ms > 0 && self.now_ms().saturating_sub(answered_ms) > TRUSTED.as_millis() as u64
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }
}
