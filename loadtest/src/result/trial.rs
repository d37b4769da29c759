//! One load, and what was measured of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Distribution, Validity};
use crate::class::Class;
use crate::load::ANSWER_DEADLINE;
use crate::machine::{MachineLoad, Times};
use crate::tally::Tally;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Trial {
    pub name: String,
    /// Of an open loop: arrivals a second.
    pub offered_per_s: Option<f64>,
    /// Of a closed loop: who waits for an answer before the next question.
    pub users: Option<u32>,
    pub seconds: f64,
    pub counts: BTreeMap<Class, u64>,
    pub looks: u64,
    pub looks_failed: u64,
    /// Requests that were due and not sent.
    pub unsent: u64,
    /// Bids, until the load ended.
    pub answered_per_s: f64,
    pub accepted_per_s: f64,
    /// From when they were due.
    pub latency: Distribution,
    pub accepted: Distribution,
    pub refused: Distribution,
    pub look_latency: Distribution,
    /// From when they were due until they were sent.
    pub send_lag: Distribution,
    /// The share of the time in which the busiest thread of the generator had a processor.
    pub generator: f64,
    /// Of all threads of the generator, recording included.
    pub cpu_us_per_request: f64,
    /// The same of every program: of this one, and of the servers of a system of its own. Older files have none.
    #[serde(default)]
    pub programs_us_per_request: BTreeMap<String, f64>,
    pub machine: MachineLoad,
    pub validity: Validity,
    pub timeline: Vec<Second>,
}

/// A second of a load: answers by when they came, latencies by when the bids were due.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Second {
    pub accepted: u64,
    pub other: u64,
    pub failed: u64,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
}

/// What a tally does not know.
pub struct Circumstances {
    pub offered_per_s: Option<f64>,
    pub users: Option<u32>,
    pub seconds: f64,
    pub unsent: u64,
    pub generator: f64,
    /// Of all threads of the generator.
    pub cpu: Duration,
    pub machine: MachineLoad,
    pub programs: Times,
    pub knows_others: bool,
}

impl Trial {
    pub fn new(name: String, tally: &Tally, of: &Circumstances) -> Self {
        // What was not sent would have waited for longer than anything that was.
        let mut latency = tally.latency.clone();
        latency.saturating_record_n(ANSWER_DEADLINE.as_micros() as u64, of.unsent);
        let mut trial = Self {
            name,
            offered_per_s: of.offered_per_s,
            users: of.users,
            seconds: of.seconds,
            counts: tally.counts.clone(),
            looks: tally.looks.len(),
            looks_failed: tally.looks_failed,
            unsent: of.unsent,
            answered_per_s: tally.answered_in_time as f64 / of.seconds,
            accepted_per_s: tally.accepted_in_time as f64 / of.seconds,
            latency: Distribution::of(&latency),
            accepted: Distribution::of(&tally.accepted),
            refused: Distribution::of(&tally.refused),
            look_latency: Distribution::of(&tally.looks),
            send_lag: Distribution::of(&tally.lag),
            generator: of.generator,
            cpu_us_per_request: of.cpu.as_secs_f64() * 1e6 / tally.total().max(1) as f64,
            programs_us_per_request: of.programs.us_each(tally.total()),
            machine: of.machine,
            validity: Validity::default(),
            timeline: tally.seconds.rows(),
        };
        trial.validity = Validity::of(&trial, of.knows_others);
        trial
    }

    pub fn count(&self, class: Class) -> u64 {
        self.counts.get(&class).copied().unwrap_or_default()
    }

    pub fn bids(&self) -> u64 {
        self.counts.values().sum()
    }

    pub fn errors(&self) -> u64 {
        let failed = self.counts.iter().filter(|(class, _)| class.is_error()).map(|(_, count)| count);
        failed.sum::<u64>() + self.looks_failed + self.unsent
    }

    /// Of a hundred requests.
    pub fn errors_percent(&self) -> f64 {
        self.errors() as f64 * 100.0 / (self.bids() + self.looks + self.unsent).max(1) as f64
    }
}
