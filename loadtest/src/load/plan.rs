//! Who comes when, and wants what: the same for the same seed.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::{Load, Rate};
use crate::pacer::Due;
use crate::random::{Stream, random};

/// A request that is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// Microseconds since the run began.
    pub due: u64,
    pub number: u64,
    pub item: u32,
    pub user: u32,
    pub intent: Intent,
    /// For what else is left to chance.
    pub dice: u64,
}

impl Due for Arrival {
    fn due(&self) -> u64 {
        self.due
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// A little above the price, with a key or without.
    Bid { keyed: bool },
    /// A bid that comes twice at once, under one key.
    Twice,
    /// At most the price.
    TooLow,
    /// An accepted bid again, under its key.
    Repeat,
    /// The key of an accepted bid for another amount.
    OtherAmount,
    /// No bid.
    Hostile,
    /// A look at the item.
    Read,
}

/// How often each intent comes, of a hundred. Rising bids are what is left.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    pub too_low: u32,
    pub twice: u32,
    pub repeat: u32,
    pub other_amount: u32,
    pub hostile: u32,
    pub read: u32,
    /// Of the rising bids, those without a key.
    pub without_key: u32,
}

impl Mix {
    /// Something of everything.
    pub const STORM: Self =
        Self { too_low: 35, twice: 3, repeat: 5, other_amount: 2, hostile: 5, read: 0, without_key: 10 };
    /// Bids that should all be accepted.
    pub const RISING: Self =
        Self { too_low: 0, twice: 0, repeat: 0, other_amount: 0, hostile: 0, read: 0, without_key: 0 };

    /// Visitors of the guide: five looks to two bids, one of which in eight is too low.
    pub const VISITORS: Self =
        Self { too_low: 4, twice: 0, repeat: 0, other_amount: 0, hostile: 0, read: 71, without_key: 50 };

    pub(super) fn draw(&self, random: &mut ChaCha8Rng) -> Intent {
        let mut left = random.random_range(0..100_u32);
        let shares = [
            (self.too_low, Intent::TooLow),
            (self.twice, Intent::Twice),
            (self.repeat, Intent::Repeat),
            (self.other_amount, Intent::OtherAmount),
            (self.hostile, Intent::Hostile),
            (self.read, Intent::Read),
        ];
        for (share, intent) in shares {
            if left < share {
                return intent;
            }
            left -= share;
        }
        Intent::Bid { keyed: random.random_range(0..100_u32) >= self.without_key }
    }
}

/// Users that bid on each item.
const USERS: u32 = 50;

/// The arrivals of a load, in order: independent of each other, as strangers come.
pub struct Arrivals {
    random: ChaCha8Rng,
    rate: Rate,
    burst: u64,
    items: u32,
    mix: Mix,
    begins: u64,
    lasts: u64,
    /// How many are expected until the last one: grows by 1 on average.
    expected: f64,
    number: u64,
}

impl Arrivals {
    pub fn new(load: &Load) -> Self {
        let Load { rate, burst, ref items, mix, begins, lasts, seed } = *load;
        let random = random(seed, Stream::Bids);
        Self { random, rate, burst: burst.into(), items: items.count, mix, begins, lasts, expected: 0.0, number: 0 }
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        // The gaps of a Poisson process.
        if self.number >= self.burst {
            self.expected += -(1.0 - self.random.random::<f64>()).ln();
        }
        let time = (self.rate.time_of(self.expected, self.lasts as f64 / 1e6)? * 1e6) as u64;
        let arrival = draw(&mut self.random, self.mix, self.items, self.begins + time, self.number);
        self.number += 1;
        (time < self.lasts).then_some(arrival)
    }
}

pub(super) fn draw(random: &mut ChaCha8Rng, mix: Mix, items: u32, due: u64, number: u64) -> Arrival {
    let (item, user) = (random.random_range(0..items), random.random_range(0..USERS));
    Arrival { due, number, item, user, intent: mix.draw(random), dice: random.random() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Items;

    #[test]
    fn the_same_seed_brings_the_same_arrivals_at_the_rate_that_was_asked_for() {
        let load = |seed| Load {
            rate: Rate::Constant(500.0),
            burst: 0,
            items: Items::lots(20),
            mix: Mix::STORM,
            begins: 0,
            lasts: 20_000_000,
            seed,
        };
        let arrivals: Vec<_> = Arrivals::new(&load(7)).collect();
        assert_eq!(arrivals, Arrivals::new(&load(7)).collect::<Vec<_>>());
        assert_ne!(arrivals, Arrivals::new(&load(8)).collect::<Vec<_>>());
        // Ten standard deviations of a Poisson process.
        assert!(arrivals.len().abs_diff(10_000) < 1_000, "{}", arrivals.len());
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.due));
        assert!((0..20).all(|item| arrivals.iter().any(|arrival| arrival.item == item)));
    }
}
