//! Each way beside warm sandboxes in the same pair, which had the same bids: what differs is not chance of the bids.

use std::collections::BTreeSet;

use super::arm::Arm;
use super::run::{Bid, Run};
use crate::class::Class;

/// The runs of one way and of warm sandboxes, pair by pair.
pub(super) fn pairs(runs: &[Run], arm: Arm) -> Vec<(&Run, &Run)> {
    let of = |arm: Arm, pair: u32| runs.iter().find(move |run| run.arm == arm && run.pair == pair);
    let numbers: BTreeSet<u32> = runs.iter().map(|run| run.pair).collect();
    numbers.into_iter().filter_map(|pair| Some((of(arm, pair)?, of(Arm::Warm, pair)?))).collect()
}

/// Of all bids that could have won, the share that lost a race.
pub(super) fn lost_share<'a>(bids: impl IntoIterator<Item = &'a Bid>) -> Option<f64> {
    let (mut lost, mut accepted) = (0_u64, 0_u64);
    for bid in bids {
        lost += u64::from(bid.class == Class::LostRace);
        accepted += u64::from(bid.class == Class::Accepted);
    }
    (lost + accepted > 0).then(|| lost as f64 / (lost + accepted) as f64)
}

pub(super) fn mean_latency_ms(run: &Run) -> Option<f64> {
    let sum: u64 = run.requests.iter().map(|bid| bid.latency).sum();
    (!run.requests.is_empty()).then(|| sum as f64 / run.requests.len() as f64 / 1_000.0)
}

/// For comparing with the same bids: how long a window lasts, how many in a row must be as good, and how good that is.
pub(super) const WINDOW_US: u64 = 250_000;
pub(super) const WINDOWS: usize = 5;
pub(super) const AS_GOOD: f64 = 0.9;

/// From the first bid until, for as many windows in a row, as many bids are accepted as of the warm sandboxes: in ms.
/// None: that was not reached.
pub(super) fn steady_after_ms(run: &Run, warm: &Run, lasts_us: u64) -> Option<f64> {
    let (own, other) = (accepted_by_window(run, lasts_us), accepted_by_window(warm, lasts_us));
    let good: Vec<bool> = own.iter().zip(&other).map(|(own, other)| *own as f64 >= *other as f64 * AS_GOOD).collect();
    let first = good.windows(WINDOWS).position(|windows| windows.iter().all(|good| *good))?;
    Some(first as f64 * WINDOW_US as f64 / 1_000.0)
}

/// By when they were due. The last window may be cut off, and is left out.
fn accepted_by_window(run: &Run, lasts_us: u64) -> Vec<u64> {
    let mut windows = vec![0; (lasts_us / WINDOW_US) as usize];
    for bid in run.requests.iter().filter(|bid| bid.class == Class::Accepted) {
        if let Some(window) = windows.get_mut((bid.due / WINDOW_US) as usize) {
            *window += 1;
        }
    }
    windows
}

/// How many sandboxes had answered something by then: at each time of an answer of a new one, in seconds.
pub(super) fn sandboxes_over_time(run: &Run) -> Vec<(f64, f64)> {
    let mut seen = BTreeSet::new();
    let mut answers: Vec<&Bid> = run.requests.iter().collect();
    answers.sort_by_key(|bid| bid.due + bid.latency);
    let mut points = vec![(0.0, 0.0)];
    for bid in answers {
        let Some(sandbox) = &bid.sandbox else { continue };
        if seen.insert(sandbox) {
            points.push(((bid.due + bid.latency) as f64 / 1e6, seen.len() as f64));
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arm: Arm, accepted_at_ms: &[u64]) -> Run {
        let bid = |at: &u64| Bid {
            due: at * 1_000,
            latency: 1_000,
            first_byte: 1_000,
            class: Class::Accepted,
            is_cold: Some(false),
            sandbox: Some(format!("sandbox {}", at % 2)),
            staleness: Some(0),
        };
        Run { arm, pair: 1, requests: accepted_at_ms.iter().map(bid).collect() }
    }

    #[test]
    fn who_is_as_good_from_some_time_on_is_steady_then_and_who_is_not_is_never() {
        let every = |from: u64| (from..2_000).step_by(25).collect::<Vec<_>>();
        let (warm, late, never) = (run(Arm::Warm, &every(0)), run(Arm::Cold, &every(500)), run(Arm::Cold, &[]));
        assert_eq!(steady_after_ms(&warm, &warm, 2_000_000), Some(0.0));
        assert_eq!(steady_after_ms(&late, &warm, 2_000_000), Some(500.0));
        assert_eq!(steady_after_ms(&never, &warm, 2_000_000), None);
        assert_eq!(sandboxes_over_time(&warm).last().map(|(_, count)| *count), Some(2.0));
    }
}
