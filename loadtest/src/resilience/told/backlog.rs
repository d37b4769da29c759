//! What waits to be archived, and how soon it is.

use crate::record::Sample;
use crate::statistics::median;

/// So many are always on their way.
const FEW: u64 = 20;

/// What waited to be archived.
pub(super) struct Backlog {
    pub(super) most: u64,
    /// From the repair until no more waited than usual in the calm before, in seconds. None: that was not seen.
    pub(super) drained_after_s: Option<f64>,
}

impl Backlog {
    pub(super) fn of((from, until): (u64, u64), seconds: u64, samples: &[Sample]) -> Self {
        let calm = seconds * 1_000_000;
        let within = |from: u64, until: u64| samples.iter().filter(move |sample| (from..until).contains(&sample.at));
        let most = |from, until| within(from, until).filter_map(|sample| sample.outbox).max().unwrap_or_default();
        let before: Vec<f64> =
            within(from.saturating_sub(calm), from).filter_map(|sample| Some(sample.outbox? as f64)).collect();
        let usual = if before.is_empty() { FEW } else { (median(before) as u64).max(FEW) };
        let drained = within(until, until + calm).find(|sample| sample.outbox.is_some_and(|length| length <= usual));
        Self { most: most(from, until + calm), drained_after_s: drained.map(|sample| (sample.at - until) as f64 / 1e6) }
    }
}
