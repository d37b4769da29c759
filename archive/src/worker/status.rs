//! What the worker knows of its surroundings and of its work, for the log, `/ready` and `/metrics`.

use std::{
    collections::BTreeMap,
    fmt::Display,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use crate::Stored;

/// Cloning it shares it.
#[derive(Clone)]
pub(super) struct Status {
    pub(super) postgres: Part,
    pub(super) nats: Part,
    /// Whether Redis is there and open for bids.
    pub(super) bids: Part,
    /// Whether what is archived leaves the outbox.
    pub(super) outbox: Part,
    pub(super) counters: Arc<Counters>,
}

/// Something the worker needs.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) name: &'static str,
    problem: Arc<Mutex<Option<String>>>,
    last_error_at: Arc<AtomicU64>,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) archived: AtomicU64,
    /// Of these, brought by the reconciler.
    pub(super) reconciled: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) divergent: AtomicU64,
    /// Refused by PostgreSQL for what they hold.
    pub(super) rejected: AtomicU64,
    /// No events at all.
    pub(super) unreadable: AtomicU64,
    pub(super) batches: AtomicU64,
}

impl Default for Status {
    fn default() -> Self {
        let last_error_at = Arc::<AtomicU64>::default();
        let part = |name, problem: Option<&str>| Part {
            name,
            problem: Arc::new(Mutex::new(problem.map(str::to_owned))),
            last_error_at: Arc::clone(&last_error_at),
        };
        let unknown = Some("not reached yet");
        Self {
            postgres: part("PostgreSQL", unknown),
            nats: part("NATS", unknown),
            bids: part("bids", unknown),
            outbox: part("outbox", None),
            counters: Arc::default(),
        }
    }
}

impl Status {
    pub(super) fn parts(&self) -> [&Part; 4] {
        [&self.postgres, &self.nats, &self.bids, &self.outbox]
    }

    /// What keeps the worker from being ready, by name.
    pub(super) fn problems(&self) -> BTreeMap<&'static str, String> {
        self.parts().into_iter().filter_map(|part| Some((part.name, part.problem()?))).collect()
    }

    /// When something last failed, in seconds since 1970; 0 if nothing has.
    pub(super) fn last_error_at_seconds(&self) -> u64 {
        self.postgres.last_error_at.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn count(&self, stored: &Stored) {
        self.archived.fetch_add(stored.archived, Ordering::Relaxed);
        self.duplicates.fetch_add(stored.duplicates, Ordering::Relaxed);
        self.divergent.fetch_add(stored.divergent.len() as u64, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
    }
}

impl Part {
    /// What is wrong with it, if anything is.
    pub(super) fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn works(&self) {
        if self.change(None) {
            tracing::info!("{}: works", self.name);
        }
    }

    pub(super) fn fails(&self, error: &impl Display) {
        self.last_error_at.store(now_seconds(), Ordering::Relaxed);
        let problem = format!("{error:#}");
        if self.change(Some(problem.clone())) {
            tracing::warn!("{}: {problem}; trying for as long as it takes", self.name);
        }
    }

    /// Answers whether that is news: a state is logged once, not at each attempt.
    fn change(&self, problem: Option<String>) -> bool {
        let mut current = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, problem.clone()) != problem
    }
}

#[expect(clippy::disallowed_methods, reason = "for the operator's eyes only: it judges nothing")]
fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_news_only_when_it_changes() {
        let part = Status::default().nats;
        assert!(part.change(Some("away".to_owned())));
        assert!(!part.change(Some("away".to_owned())));
        assert!(part.change(None));
        assert!(!part.change(None));
    }
}
