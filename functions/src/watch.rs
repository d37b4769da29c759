//! A log line when something begins to fail and when it works again, instead of one for each request.

use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Default)]
pub(crate) struct Watch {
    is_failing: AtomicBool,
}

impl Watch {
    pub(crate) fn works(&self, name: &str) {
        // The swap costs a shared cache line; nearly always there is nothing to change.
        if self.is_failing.load(Ordering::Relaxed) && self.is_failing.swap(false, Ordering::Relaxed) {
            tracing::info!("{name} answers again");
        }
    }

    pub(crate) fn fails(&self, name: &str, error: &dyn std::error::Error) {
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            tracing::error!("{name} fails: {error}");
        }
    }
}
