//! What waits to be archived, and how soon it is.

use crate::record::Sample;

/// What waited to be archived.
pub(super) struct Backlog {
    pub(super) most: u64,
    /// From the repair until no more waited than in the calm before, in seconds. None: that was not seen.
    pub(super) drained_after_s: Option<f64>,
}

impl Backlog {
    pub(super) fn of((from, until): (u64, u64), seconds: u64, samples: &[Sample]) -> Self {
        let calm = seconds * 1_000_000;
        let within = |from: u64, until: u64| samples.iter().filter(move |sample| (from..until).contains(&sample.at));
        let most = |from, until| within(from, until).filter_map(|sample| sample.outbox).max().unwrap_or_default();
        let usual = most(from.saturating_sub(calm), from);
        let drained = within(until, until + calm).find(|sample| sample.outbox.is_some_and(|length| length <= usual));
        Self { most: most(from, until + calm), drained_after_s: drained.map(|sample| (sample.at - until) as f64 / 1e6) }
    }
}
