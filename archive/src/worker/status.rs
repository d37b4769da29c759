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

use crate::{Reason, Reconciled, SetAside, Taken};

/// Of the task that a part belongs to.
const OWN: &str = "";

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

/// Something the worker needs, as one of its tasks sees it. It works when it works for all of them: what one of them can
/// do with it does not tell what another cannot.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) name: &'static str,
    observer: &'static str,
    /// By observer.
    problems: Arc<Mutex<BTreeMap<&'static str, String>>>,
    last_error_at: Arc<AtomicU64>,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) archived: AtomicU64,
    /// Of these, brought by the reconciler.
    pub(super) reconciled: AtomicU64,
    pub(super) duplicates: AtomicU64,
    /// Set aside, each once, as [`Reason`] says.
    pub(super) divergent: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) unreadable: AtomicU64,
    pub(super) lost: AtomicU64,
    /// Items that Redis had lost events of and got back.
    pub(super) restored: AtomicU64,
    pub(super) batches: AtomicU64,
}

impl Default for Status {
    fn default() -> Self {
        let last_error_at = Arc::<AtomicU64>::default();
        let part = |name, problem: Option<&str>| Part {
            name,
            observer: OWN,
            problems: Arc::new(Mutex::new(problem.map(|problem| (OWN, problem.to_owned())).into_iter().collect())),
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

impl Status {
    pub(super) fn count(&self, taken: &Taken) {
        let counters = &self.counters;
        counters.archived.fetch_add(taken.stored.archived, Ordering::Relaxed);
        counters.duplicates.fetch_add(taken.stored.duplicates, Ordering::Relaxed);
        counters.batches.fetch_add(1, Ordering::Relaxed);
        self.tell(&taken.news);
    }

    pub(super) fn count_reconciled(&self, taken: &Taken) {
        self.counters.archived.fetch_add(taken.stored.archived, Ordering::Relaxed);
        self.counters.reconciled.fetch_add(taken.stored.archived, Ordering::Relaxed);
        self.tell(&taken.news);
    }

    pub(super) fn count_drained(&self, reconciled: &Reconciled) {
        self.counters.archived.fetch_add(reconciled.archived, Ordering::Relaxed);
        self.counters.reconciled.fetch_add(reconciled.archived, Ordering::Relaxed);
        self.tell(&reconciled.set_aside);
    }

    pub(super) fn count_restored(&self, items: u64) {
        self.counters.restored.fetch_add(items, Ordering::Relaxed);
    }

    /// What was set aside, with what an operator needs to find it.
    fn tell(&self, news: &[SetAside]) {
        for SetAside { reason, detail, source, event, .. } in news {
            let counter = match reason {
                Reason::Divergent => &self.counters.divergent,
                Reason::Rejected => &self.counters.rejected,
                Reason::Unreadable => &self.counters.unreadable,
                Reason::Lost => &self.counters.lost,
            };
            counter.fetch_add(1, Ordering::Relaxed);
            let reason = reason.as_str();
            match event {
                Some((item_id, position, event_id)) => tracing::error!(
                    %item_id, epoch = position.epoch, seq = position.seq, %event_id, source,
                    "not archived but set aside as {reason}: {detail}"
                ),
                None => tracing::error!(source, "not archived but set aside as {reason}: {detail}"),
            }
        }
    }
}

impl Part {
    /// The same part, as another task sees it.
    pub(super) fn seen_by(&self, observer: &'static str) -> Self {
        Self { observer, ..self.clone() }
    }

    /// What is wrong with it, if anything is.
    pub(super) fn problem(&self) -> Option<String> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).values().next().cloned()
    }

    pub(super) fn works(&self) {
        if self.change(None) && self.problem().is_none() {
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
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match &problem {
            Some(problem) => problems.insert(self.observer, problem.clone()),
            None => problems.remove(self.observer),
        };
        before != problem
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

    #[test]
    fn a_part_works_when_it_works_for_everyone() {
        let own = Status::default().outbox;
        let other = own.seen_by("reconciler");
        own.fails(&"full");
        other.works();
        assert_eq!(own.problem().as_deref(), Some("full"));
        other.fails(&"away");
        own.works();
        assert_eq!(own.problem().as_deref(), Some("away"));
        other.works();
        assert_eq!(own.problem(), None);
    }
}
