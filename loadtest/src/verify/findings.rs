//! What was found: broken promises with their evidence, and what Redis has lost by its design.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The promises, as ARCHITECTURE.md numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// 1: seqs without hole or repeat, each with one event; prices rise.
    Sequence,
    /// 2: a key is accepted once, and its answer is always the same.
    Idempotency,
    /// 3: every accepted answer is archived, and nothing that nobody sent.
    Archive,
    /// 4: Redis and PostgreSQL agree about every item.
    Standing,
    /// 5: a viewer sees every event after its snapshot, once and in order.
    Viewers,
    /// 7: what was answered before something was asked stands before it.
    Order,
    /// 8: bids fail only while Redis or the functions are down.
    Availability,
    /// 9: what is no bid is told so, and changes nothing.
    Input,
}

/// Cases of a broken promise.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Finding {
    pub count: u64,
    /// The first of them.
    pub evidence: Vec<String>,
}

/// Enough to see what is wrong.
const EVIDENCE_MAX: usize = 10;

#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) violations: BTreeMap<Rule, Finding>,
    /// Accepted bids, or what was shown of them, that Redis lost with its power.
    pub(super) lost: Finding,
}

impl Findings {
    pub(super) fn violation(&mut self, rule: Rule, evidence: impl FnOnce() -> String) {
        self.violations.entry(rule).or_default().add(evidence);
    }

    pub(super) fn lost(&mut self, evidence: impl FnOnce() -> String) {
        self.lost.add(evidence);
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
