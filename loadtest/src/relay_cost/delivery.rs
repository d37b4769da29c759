//! What became of a publication, from what the reading threads noted.

use std::time::Instant;

use anyhow::Result;

use super::readers::{Arrival, Tally};
use crate::bidders::{Latencies, empty};

#[derive(Debug)]
pub(super) struct Delivery {
    /// To the last message that came, in microseconds. None: nothing came.
    pub(super) last_us: Option<u64>,
    pub(super) latencies: Latencies,
    pub(super) received: u64,
    pub(super) bytes: u64,
    pub(super) unexpected: u64,
    /// Something came before it was published.
    pub(super) is_early: bool,
}

impl Delivery {
    pub(super) fn of(published_at: Instant, tallies: &[Tally]) -> Result<Self> {
        let mut delivery =
            Self { last_us: None, latencies: empty()?, received: 0, bytes: 0, unexpected: 0, is_early: false };
        for tally in tallies {
            delivery.unexpected += tally.unexpected;
            delivery.bytes += tally.bytes;
            for Arrival { at, messages } in &tally.arrivals {
                let after_us = at.saturating_duration_since(published_at).as_micros() as u64;
                delivery.latencies.saturating_record_n(after_us.max(1), u64::from(*messages));
                delivery.received += u64::from(*messages);
                delivery.last_us = delivery.last_us.max(Some(after_us));
                delivery.is_early |= *at < published_at;
            }
        }
        Ok(delivery)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_last_of_all_threads_counts_and_messages_weigh_alike() {
        let published_at = Instant::now();
        let arrival = |us, messages| Arrival { at: published_at + Duration::from_micros(us), messages };
        let tallies = [
            Tally { arrivals: (1..=98).map(|us| arrival(us, 1)).collect(), bytes: 900, unexpected: 2, closed: 0 },
            Tally { arrivals: vec![arrival(500, 1), arrival(300, 1)], bytes: 100, unexpected: 1, closed: 1 },
        ];
        let delivery = Delivery::of(published_at, &tallies).unwrap();
        assert_eq!((delivery.last_us, delivery.received, delivery.unexpected), (Some(500), 100, 3));
        assert_eq!(delivery.bytes, 1_000);
        let quantile = |quantile| delivery.latencies.value_at_quantile(quantile);
        assert_eq!([quantile(0.5), quantile(0.98), quantile(0.99)], [50, 98, 300]);
        let burst = [Tally { arrivals: vec![arrival(10, 19), arrival(99, 1)], ..Tally::default() }];
        assert_eq!(Delivery::of(published_at, &burst).unwrap().latencies.value_at_quantile(0.95), 10);
    }

    #[test]
    fn what_came_too_early_or_not_at_all_shows() {
        let now = Instant::now();
        let early = [Tally { arrivals: vec![Arrival { at: now, messages: 1 }], ..Tally::default() }];
        assert!(Delivery::of(now + Duration::from_micros(1), &early).unwrap().is_early);
        assert!(!Delivery::of(now, &early).unwrap().is_early);
        assert_eq!(Delivery::of(now, &[]).unwrap().last_us, None);
    }
}
