//! Whether a measurement counts, by rule.

use serde::{Deserialize, Serialize};

use super::Trial;

/// Whoever is late by more than this and by more than a tenth of what is measured measures itself.
const LAG_P99_MS_MAX: f64 = 1.0;
const LAG_SHARE_MAX: f64 = 0.1;
/// A thread of the generator that is busier is the bottleneck itself.
const GENERATOR_MAX: f64 = 0.85;
/// Of the machine, taken by others, with anybody waiting for a processor for more than this share of the time.
const OTHERS_MAX: f64 = 0.10;
const PRESSURE_MAX: f64 = 0.10;
/// Below it a quantile of lateness says nothing.
const SENT_MIN: u64 = 100;

/// Valid if there are no reasons against it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Validity {
    pub reasons: Vec<String>,
}

impl Validity {
    pub fn is_valid(&self) -> bool {
        self.reasons.is_empty()
    }

    /// `knows_others`: the system under test is ours, so that what we did not take was taken by others.
    pub(super) fn of(trial: &Trial, knows_others: bool) -> Self {
        let mut reasons = Vec::new();
        let (lag, latency) = (trial.send_lag.at(0.99), trial.latency.at(0.99).unwrap_or(trial.latency.max_ms));
        if let Some(lag) = lag.filter(|_| trial.send_lag.count >= SENT_MIN) {
            let most = LAG_P99_MS_MAX.max(latency * LAG_SHARE_MAX);
            if lag > most {
                reasons.push(format!("requests were sent {lag:.1} ms after they were due (p99), more than {most:.1}"));
            }
        }
        if trial.generator > GENERATOR_MAX {
            let percent = trial.generator * 100.0;
            reasons.push(format!("a thread of the generator was busy for {percent:.0} % of the time"));
        }
        let machine = trial.machine;
        if knows_others && machine.others > OTHERS_MAX && machine.pressure > PRESSURE_MAX {
            let percent = machine.others * 100.0;
            reasons.push(format!("other programs took {percent:.0} % of the machine"));
        }
        Self { reasons }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::MachineLoad;
    use crate::verify::Latency;

    fn check(change: impl FnOnce(&mut Trial), reasons: usize) {
        let mut latency = Latency::histogram(3);
        latency.record_n(5_000, 2_000).unwrap();
        let mut lag = Latency::histogram(3);
        lag.record_n(100, 2_000).unwrap();
        let mut trial = Trial {
            latency: super::super::Distribution::of(&latency),
            send_lag: super::super::Distribution::of(&lag),
            ..Trial::default()
        };
        change(&mut trial);
        let found = Validity::of(&trial, true);
        assert_eq!(found.reasons.len(), reasons, "{found:?}");
    }

    #[test]
    fn who_is_late_busy_or_not_alone_has_measured_something_else() {
        check(|_| {}, 0);
        check(|trial| trial.generator = 0.9, 1);
        // Too many waited for answers, which is what the system did: they count as failed, and as late.
        check(|trial| trial.unsent = 1, 0);
        let load = MachineLoad { busy: 0.9, others: 0.3, pressure: 0.5 };
        check(|trial| trial.machine = load, 1);
        // Nobody waited for them.
        check(|trial| trial.machine = MachineLoad { pressure: 0.05, ..load }, 0);
        check(|trial| trial.send_lag.quantiles.iter_mut().for_each(|lag| lag.ms = 1.5), 1);
    }
}
