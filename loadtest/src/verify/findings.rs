//! What was found: broken promises with their evidence, and what Redis has lost by its design.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The promises of ARCHITECTURE.md that a record can show broken. Each has a patch in `loadtest/controls` that breaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Seqs without hole or repeat, each with one event; prices rise.
    Sequence,
    /// A key is accepted once, and its answer is always the same.
    Idempotency,
    /// Every accepted answer is archived, and nothing that nobody sent.
    Archive,
    /// Redis and PostgreSQL agree about every item.
    Standing,
    /// A viewer sees every event after its snapshot, once and in order.
    Viewers,
    /// What was answered before something was asked stands before it.
    Order,
    /// Bids fail only while Redis or the functions are down.
    Availability,
    /// What is no bid is told so, and changes nothing.
    Input,
}

/// Cases of a broken promise.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Finding {
    pub count: u64,
    /// The first of them, or all.
    pub evidence: Vec<String>,
}

/// Enough to see what is wrong.
const EVIDENCE_MAX: usize = 10;

#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) violations: BTreeMap<Rule, Finding>,
    /// Accepted bids that somebody was told of, and that Redis lost with its power: all of them.
    pub(super) lost: Finding,
    lost_ids: HashSet<Uuid>,
}

impl Findings {
    pub(super) fn violation(&mut self, rule: Rule, evidence: impl FnOnce() -> String) {
        self.violations.entry(rule).or_default().add(evidence);
    }

    /// Each bid counts once, however many were told of it.
    pub(super) fn lost(&mut self, event: Uuid, evidence: impl FnOnce() -> String) {
        if self.lost_ids.insert(event) {
            self.lost.count += 1;
            self.lost.evidence.push(evidence());
        }
    }
}

impl Finding {
    fn add(&mut self, evidence: impl FnOnce() -> String) {
        self.count += 1;
        if self.evidence.len() < EVIDENCE_MAX {
            self.evidence.push(evidence());
        }
    }
}
