//! A closed loop with more and more users, and beside each a bare loop around the script.

use anyhow::Result;
use rand::seq::SliceRandom;

use super::bare::{Bare, Turn};
use super::{Arguments, Contention};
use crate::random::{Stream, random};
use crate::result::Trial;
use crate::statistics::median;

pub(super) struct Sweep {
    pub(super) points: Vec<Point>,
}

/// All repeats of one number of users.
pub(super) struct Point {
    pub(super) users: u32,
    pub(super) trials: Vec<Trial>,
    /// The bare loop beside each.
    pub(super) bare: Vec<Turn>,
}

impl Sweep {
    pub(super) async fn run(arguments: &Arguments, contention: &mut Contention, bare: Option<&Bare>) -> Result<Self> {
        let point = |&users: &u32| Point { users, trials: Vec::new(), bare: Vec::new() };
        let mut points: Vec<Point> = arguments.users.iter().map(point).collect();
        let mut order: Vec<usize> =
            (0..points.len() * arguments.repeats as usize).map(|n| n % arguments.users.len()).collect();
        order.shuffle(&mut random(arguments.options.seed, Stream::Trials));
        for index in order {
            let users = points[index].users;
            let name = format!("{users} user{}", if users == 1 { "" } else { "s" });
            // Who is first changes with every repeat.
            let bare_first = points[index].trials.len() % 2 == 1;
            contention.stage.rest().await;
            if let Some(bare) = bare.filter(|_| bare_first) {
                points[index].bare.push(bare.turn(users).await?);
            }
            points[index].trials.push(contention.closed(&name, users).await?);
            if let Some(bare) = bare.filter(|_| !bare_first) {
                contention.stage.rest().await;
                points[index].bare.push(bare.turn(users).await?);
            }
        }
        Ok(Self { points })
    }

    /// The number of users with the highest rate.
    pub(super) fn best(&self) -> Summary {
        let summaries = self.points.iter().map(Point::summary);
        summaries.max_by(|one, other| one.answered_per_s.total_cmp(&other.answered_per_s)).unwrap_or_default()
    }
}

/// The medians of the repeats.
#[derive(Clone, Debug, Default)]
pub(super) struct Summary {
    pub(super) users: u32,
    pub(super) answered_per_s: f64,
    pub(super) accepted_per_s: f64,
    pub(super) spread: [f64; 2],
    /// p50, p95, p99, p99.9 in ms.
    pub(super) quantiles: [Option<f64>; 4],
    pub(super) errors: u64,
}

pub(super) const QUANTILES: [f64; 4] = [0.5, 0.95, 0.99, 0.999];

impl Point {
    pub(super) fn summary(&self) -> Summary {
        let rates: Vec<f64> = self.trials.iter().map(|trial| trial.answered_per_s).collect();
        let quantile = |quantile| {
            let known: Vec<f64> = self.trials.iter().filter_map(|trial| trial.latency.at(quantile)).collect();
            (!known.is_empty()).then(|| median(known))
        };
        let (low, high) = (rates.iter().copied().reduce(f64::min), rates.iter().copied().reduce(f64::max));
        Summary {
            users: self.users,
            answered_per_s: median(rates),
            accepted_per_s: median(self.trials.iter().map(|trial| trial.accepted_per_s).collect()),
            spread: [low.unwrap_or_default(), high.unwrap_or_default()],
            quantiles: QUANTILES.map(quantile),
            errors: self.trials.iter().map(Trial::errors).sum(),
        }
    }
}
