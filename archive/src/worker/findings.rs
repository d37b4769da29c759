//! Events that cannot be archived. The reconciler meets each of them again in every round, and JetStream may bring it too,
//! so each is counted and logged once.

use std::{
    collections::{HashSet, hash_map::RandomState},
    fmt::Display,
    hash::{BuildHasher, Hash},
    sync::{Mutex, PoisonError, atomic::Ordering::Relaxed},
};

use auction::AuctionEvent;
use ledger::OutboxId;

use super::status::Status;
use crate::{Divergence, SinkError, limits};

/// What was told already.
#[derive(Default)]
pub(super) struct Findings {
    /// Hashes: among as many as there may be, two are the same once in ten thousand million workers.
    told: Mutex<HashSet<u64>>,
    hasher: RandomState,
}

impl Status {
    pub(super) fn found_divergent(&self, divergence: &Divergence) {
        let Divergence { item_id, position, delivered_event_id, standing_event_id } = divergence;
        // Not what stands there, which may come later.
        if !self.findings.is_news(("divergent", item_id, position.epoch, position.seq, delivered_event_id)) {
            return;
        }
        self.counters.divergent.fetch_add(1, Relaxed);
        tracing::error!(
            %item_id,
            epoch = position.epoch,
            seq = position.seq,
            %delivered_event_id,
            standing_event_id = standing_event_id.map(tracing::field::display),
            "divergence: an event contradicts the archive and was not stored"
        );
    }

    pub(super) fn found_rejected(&self, event: &AuctionEvent, error: &SinkError, place: &impl Display) {
        if self.findings.is_news(("rejected", &event.item_id, event.event_id)) {
            self.counters.rejected.fetch_add(1, Relaxed);
            tracing::error!("not archived: {error}: {place}");
        }
    }

    pub(super) fn found_unreadable(&self, outbox_id: &OutboxId, error: &impl Display) {
        /// The error may quote an entry of any length.
        const CHARACTERS_SHOWN: usize = 200;
        if self.findings.is_news(("unreadable", outbox_id)) {
            self.counters.unreadable.fetch_add(1, Relaxed);
            let error: String = error.to_string().chars().take(CHARACTERS_SHOWN).collect();
            tracing::error!("not archived, stays in the outbox as {outbox_id}: {error}");
        }
    }
}

impl Findings {
    fn is_news(&self, finding: impl Hash) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        // What cannot be remembered would be told in every round.
        let is_news = told.len() < limits::FINDINGS_MAX && told.insert(self.hasher.hash_one(finding));
        if is_news && told.len() == limits::FINDINGS_MAX {
            tracing::error!("{} events cannot be archived: the next ones are neither counted nor logged", told.len());
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_is_news_once_and_memory_is_bounded() {
        let findings = Findings::default();
        assert!(findings.is_news(0) && !findings.is_news(0));
        let news = (0..2 * limits::FINDINGS_MAX).filter(|finding| findings.is_news(finding)).count();
        assert_eq!(news, limits::FINDINGS_MAX - 1);
        assert!(!findings.is_news(0));
    }
}
