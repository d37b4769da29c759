//! Who took the processors while something was measured.

use std::fs;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::programs::{Programs, Times};

/// Shares, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Load {
    /// Of all processor time: taken by anybody.
    pub busy: f64,
    /// Of all processor time: taken neither by this process nor by those below it.
    pub others: f64,
    /// Of the time: somebody waited for a processor (`some` of `/proc/pressure/cpu`), us included.
    pub pressure: f64,
}

/// What was taken until now.
pub struct Watch {
    at: Instant,
    /// Clock ticks of all processors.
    all: u64,
    busy: u64,
    ours: Programs,
    pressure_us: u64,
}

impl Watch {
    pub fn start() -> Self {
        let (all, busy) = processors();
        Self { at: Instant::now(), all, busy, ours: Programs::now(), pressure_us: pressure_us() }
    }

    /// What was taken since the start, and by which programs of ours.
    pub fn stop(self) -> (Load, Times) {
        let now = Self::start();
        let all = (now.all.saturating_sub(self.all)).max(1) as f64;
        let busy = now.busy.saturating_sub(self.busy);
        let others = busy.saturating_sub(now.ours.all_ticks.saturating_sub(self.ours.all_ticks));
        let pressure = now.pressure_us.saturating_sub(self.pressure_us) as f64;
        let elapsed_us = now.at.duration_since(self.at).as_micros().max(1) as f64;
        let load = Load { busy: busy as f64 / all, others: others as f64 / all, pressure: pressure / elapsed_us };
        (load, now.ours.since(&self.ours))
    }
}

/// What the calling thread has taken since it began.
pub fn thread_time() -> Duration {
    time_of(ClockId::ThreadCPUTime)
}

/// What all threads of this process have taken.
pub fn process_time() -> Duration {
    time_of(ClockId::ProcessCPUTime)
}

fn time_of(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.try_into().unwrap_or_default())
}

/// Ticks of all processors, and those in which they were not idle.
fn processors() -> (u64, u64) {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = text.lines().next().unwrap_or_default();
    // user nice system idle iowait irq softirq steal; what guests took is in user and nice already.
    let ticks: Vec<u64> = first.split_whitespace().skip(1).take(8).filter_map(|ticks| ticks.parse().ok()).collect();
    let all = ticks.iter().sum();
    (all, all - ticks.iter().skip(3).take(2).sum::<u64>())
}

fn pressure_us() -> u64 {
    let text = fs::read_to_string("/proc/pressure/cpu").unwrap_or_default();
    let total = text.lines().next().and_then(|line| line.rsplit_once("total="));
    total.and_then(|(_, total)| total.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_takes_is_not_taken_by_others() {
        let (watch, before) = (Watch::start(), thread_time());
        while thread_time() - before < Duration::from_millis(200) {}
        let (load, _) = watch.stop();
        assert!(load.busy > load.others, "{load:?}");
        assert!((0.0..=1.0).contains(&load.busy), "{load:?}");
    }
}
