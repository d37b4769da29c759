//! The highest rate at which a promise is kept: found by an open loop, since a closed one comes less when it must wait,
//! and confirmed by repeats, since one trial may be lucky.

use anyhow::Result;
use rand::seq::SliceRandom;

use crate::random::{Stream, random};
use crate::result::Trial;

/// What must be kept.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    pub p99_ms: f64,
    /// Of a hundred.
    pub errors_percent: f64,
    /// Answered to offered.
    pub achieved: f64,
}

impl Promise {
    pub fn of(p99_ms: f64) -> Self {
        Self { p99_ms, errors_percent: 1.0, achieved: 0.98 }
    }

    pub fn is_kept(&self, trial: &Trial) -> bool {
        let offered = trial.offered_per_s.unwrap_or(trial.answered_per_s);
        // Of a Poisson process fewer may come than are expected: by three standard deviations at most.
        let fewest = offered * self.achieved - 3.0 * (offered / trial.seconds).sqrt();
        // Of too few answers the slowest decides.
        let p99 = trial.latency.at(0.99).unwrap_or(trial.latency.max_ms);
        trial.latency.count > 0
            && p99 <= self.p99_ms
            && trial.errors_percent() <= self.errors_percent
            && trial.answered_per_s + trial.looks as f64 / trial.seconds >= fewest
    }
}

/// A rate, and how often the promise was kept at it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confirmation {
    pub rate: f64,
    pub kept: u32,
    pub repeats: u32,
}

#[derive(Debug, Default)]
pub struct Capacity {
    /// The highest confirmed rate.
    pub rate: Option<f64>,
    pub confirmations: Vec<Confirmation>,
    pub trials: Vec<Trial>,
    /// Trials that were invalid and came again.
    pub repeated: u32,
}

pub struct Search<F> {
    pub promise: Promise,
    pub begin: f64,
    pub repeats: u32,
    pub seed: u64,
    /// A trial at a rate.
    pub offer: F,
}

const GROWTH: f64 = 1.5;
/// The edge is known well enough.
const PRECISION: f64 = 1.1;
/// Below this share of the beginning nobody looks.
const LEAST: f64 = 1.0 / 64.0;
/// Around the edge.
const AROUND: [f64; 3] = [0.9, 1.0, 1.1];
/// When no rate around the edge is confirmed, the edge was luck, and lies lower.
const RETREATS: u32 = 3;
const RETREAT: f64 = 0.75;
/// Of the repeats.
const KEPT_SHARE: f64 = 0.8;
/// An invalid trial comes again so often.
const AGAIN_MAX: u32 = 1;

impl<F: AsyncFnMut(f64) -> Result<Trial>> Search<F> {
    pub async fn run(mut self) -> Result<Capacity> {
        let mut found = Capacity::default();
        let Some(mut edge) = self.edge(&mut found).await? else { return Ok(found) };
        for _ in 0..=RETREATS {
            if self.confirm(edge, &mut found).await? {
                break;
            }
            edge *= RETREAT;
        }
        Ok(found)
    }

    /// The highest rate that a single trial has passed.
    async fn edge(&mut self, found: &mut Capacity) -> Result<Option<f64>> {
        let (mut kept, mut broken) = (None, None);
        let mut rate = self.begin;
        while kept.is_none() || broken.is_none() {
            if self.passes(rate, found).await? {
                kept = Some(rate);
                rate *= GROWTH;
            } else {
                broken = Some(rate);
                rate /= GROWTH;
                if rate < self.begin * LEAST {
                    return Ok(None);
                }
            }
        }
        let (mut kept, mut broken) = (kept.unwrap_or_default(), broken.unwrap_or_default());
        while broken / kept > PRECISION {
            let middle = (kept * broken).sqrt();
            match self.passes(middle, found).await? {
                true => kept = middle,
                false => broken = middle,
            }
        }
        Ok(Some(kept))
    }

    /// Repeats the rates around the edge in random order: whether one of them is confirmed.
    async fn confirm(&mut self, edge: f64, found: &mut Capacity) -> Result<bool> {
        let mut order: Vec<usize> =
            (0..AROUND.len() * self.repeats as usize).map(|trial| trial % AROUND.len()).collect();
        order.shuffle(&mut random(self.seed, Stream::Trials));
        let mut kept = [0; AROUND.len()];
        for index in order {
            kept[index] += u32::from(self.passes(edge * AROUND[index], found).await?);
        }
        let repeats = self.repeats;
        let confirmations =
            AROUND.iter().zip(kept).map(|(share, kept)| Confirmation { rate: edge * share, kept, repeats });
        found.confirmations = confirmations.collect();
        let needed = f64::from(repeats) * KEPT_SHARE;
        let confirmed = found.confirmations.iter().filter(|confirmation| f64::from(confirmation.kept) >= needed);
        found.rate = confirmed.map(|confirmation| confirmation.rate).reduce(f64::max);
        Ok(found.rate.is_some())
    }

    async fn passes(&mut self, rate: f64, found: &mut Capacity) -> Result<bool> {
        let (trial, repeated) = again_if_invalid(async || (self.offer)(rate).await).await?;
        found.repeated += repeated;
        let passes = self.promise.is_kept(&trial);
        found.trials.push(trial);
        Ok(passes)
    }
}

/// A trial, and how many invalid ones came before it. It is invalid itself if they all were.
pub async fn again_if_invalid(mut offer: impl AsyncFnMut() -> Result<Trial>) -> Result<(Trial, u32)> {
    let (mut trial, mut repeated) = (offer().await?, 0);
    while !trial.validity.is_valid() && repeated < AGAIN_MAX {
        trial = offer().await?;
        repeated += 1;
    }
    Ok((trial, repeated))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Distribution, Validity};
    use crate::verify::Latency;

    /// A system that answers within 1 ms up to 1,000 a second, and within 100 ms above.
    fn trial(rate: f64) -> Trial {
        let mut histogram = Latency::histogram(3);
        histogram.record_n(if rate <= 1_000.0 { 1_000 } else { 100_000 }, 5_000).unwrap();
        let latency = Distribution::of(&histogram);
        Trial { offered_per_s: Some(rate), answered_per_s: rate, seconds: 5.0, latency, ..Trial::default() }
    }

    async fn check(begin: f64) {
        let search =
            Search { promise: Promise::of(10.0), begin, repeats: 5, seed: 1, offer: async |rate| Ok(trial(rate)) };
        let found = search.run().await.unwrap();
        let rate = found.rate.unwrap();
        assert!((900.0..=1_000.0).contains(&rate), "from {begin}: {rate}");
        assert!(found.confirmations.iter().all(|confirmation| confirmation.kept == 0 || confirmation.kept == 5));
    }

    #[tokio::test]
    async fn the_edge_is_found_from_below_and_from_above() {
        check(10.0).await;
        check(1_000.0).await;
        check(20_000.0).await;
    }

    #[tokio::test]
    async fn an_invalid_trial_comes_again_once() {
        let late = |seconds: u8| Validity { reasons: vec![format!("late by {seconds} s")] };
        for (validities, expected, repetitions) in [
            (vec![Validity::default()], Validity::default(), 0),
            (vec![late(1), Validity::default()], Validity::default(), 1),
            (vec![late(1), late(2)], late(2), 1),
        ] {
            let mut trials = validities.into_iter().map(|validity| Trial { validity, ..trial(1.0) });
            let (trial, repeated) = again_if_invalid(async || Ok(trials.next().unwrap())).await.unwrap();
            assert_eq!((trial.validity, repeated), (expected, repetitions));
            assert!(trials.next().is_none());
        }
    }

    #[tokio::test]
    async fn who_never_keeps_it_has_no_capacity() {
        let search =
            Search { promise: Promise::of(10.0), begin: 9e6, repeats: 5, seed: 1, offer: async |rate| Ok(trial(rate)) };
        assert_eq!(search.run().await.unwrap().rate, None);
    }
}
