//! What it all comes to.

use std::collections::BTreeMap;
use std::fmt;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::findings::{Finding, Findings, Rule};
use super::frames::{self, FrameCounts};
use super::requests::{self, RequestCounts};
use crate::record::{FaultRecord, Run};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verdict {
    pub run: Run,
    /// How often each fault came.
    pub faults: BTreeMap<String, u64>,
    /// The longest time from the repair of a fault until bids were judged again, in microseconds.
    pub reopening_us: u64,
    pub requests: RequestCounts,
    /// Bids in PostgreSQL.
    pub archived: u64,
    pub frames: FrameCounts,
    /// Answers, from when the request was due: while all was well, and while bids could fail.
    pub latency_calm: Latency,
    pub latency_failing: Latency,
    /// From acceptance to the viewer.
    pub lag: Latency,
    pub violations: BTreeMap<Rule, Finding>,
    /// What Redis has lost by its design, everything that was told of it counted.
    pub lost: Finding,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Latency {
    pub count: u64,
    pub p50: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

/// The slowest answer that is told apart from slower ones, in microseconds.
const LATENCY_MAX: u64 = 600_000_000;

impl Latency {
    /// For latencies in microseconds, to so many digits.
    pub(crate) fn histogram(digits: u8) -> Histogram<u64> {
        Histogram::new_with_bounds(1, LATENCY_MAX, digits).expect("the bounds are in range")
    }

    pub(super) fn of(histogram: &Histogram<u64>) -> Self {
        let milliseconds = |microseconds: u64| microseconds as f64 / 1_000.0;
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|quantile| milliseconds(histogram.value_at_quantile(quantile)));
        Self { count: histogram.len(), p50, p99, p999, max: milliseconds(histogram.max()) }
    }
}

impl Verdict {
    pub(super) fn new(
        run: Run,
        faults: &[FaultRecord],
        requests: requests::Counts,
        archived: u64,
        frames: frames::Counts,
        mut findings: Findings,
    ) -> Self {
        if run.drain_us.is_none() {
            findings.violation(Rule::Archive, || "the outbox was not empty at the end".to_owned());
        }
        if requests.requests.accepted == 0 {
            findings.violation(Rule::Availability, || "no bid was accepted".to_owned());
        }
        let mut counted = BTreeMap::new();
        for fault in faults {
            *counted.entry(fault.fault.clone()).or_default() += 1;
        }
        let reopening = faults.iter().filter_map(|fault| Some(fault.bids_fail_until? - fault.until)).max();
        Self {
            run,
            faults: counted,
            reopening_us: reopening.unwrap_or_default(),
            requests: requests.requests,
            archived,
            frames: frames.frames,
            latency_calm: Latency::of(&requests.calm),
            latency_failing: Latency::of(&requests.failing),
            lag: Latency::of(&frames.lag),
            violations: findings.violations,
            lost: findings.lost,
        }
    }

    /// Cases of broken promises but that of availability: a bid that gets no verdict, because more come than can be judged
    /// or because others have the machine, is counted as failed where that is what is measured.
    pub fn cases_but_availability(&self) -> u64 {
        let others = self.violations.iter().filter(|(rule, _)| **rule != Rule::Availability);
        others.map(|(_, finding)| finding.count).sum()
    }

    pub fn passed(&self) -> bool {
        self.violations.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, requests, frames, .. } = self;
        let seconds = run.load_us as f64 / 1e6;
        writeln!(f, "{}", run.command)?;
        writeln!(f, "revision {}, {}", run.revision, run.machine)?;
        writeln!(
            f,
            "{} requests, {:.0} a second: {} accepted, {:.0} a second; {} repeated, {} refused, {} rejected, {} without an answer, \
             of which {} had been accepted; {} not sent",
            requests.requests,
            requests.requests as f64 / seconds,
            requests.accepted,
            requests.accepted as f64 / seconds,
            requests.replayed,
            requests.refused,
            requests.rejected,
            requests.unknown,
            requests.unknown_archived,
            run.unsent,
        )?;
        writeln!(
            f,
            "{} viewers: {} connections, {} of them came back; {} bids seen; snapshots: {} trimmed, {} epoch; {} stale",
            run.viewers,
            frames.connections,
            frames.resumed,
            frames.bids,
            frames.snapshots_trimmed,
            frames.snapshots_epoch,
            frames.stale,
        )?;
        for (name, latency) in [
            ("answers while Redis and the functions are up", &self.latency_calm),
            ("answers while they are not", &self.latency_failing),
            ("from acceptance to the viewer", &self.lag),
        ] {
            let Latency { count, p50, p99, p999, max } = latency;
            writeln!(f, "{name}: {count}, p50 {p50:.1} ms, p99 {p99:.1}, p99.9 {p999:.1}, max {max:.0}")?;
        }
        let faults: u64 = self.faults.values().sum();
        writeln!(
            f,
            "faults: {faults} of {} kinds; bids were judged again at most {:.1} s after a repair",
            self.faults.len(),
            self.reopening_us as f64 / 1e6
        )?;
        let drain = run.drain_us.map_or("NOT EMPTY".to_owned(), |drain| format!("{:.1} s", drain as f64 / 1e6));
        let reconciled = run.reconciled.map_or("?".to_owned(), |count| count.to_string());
        writeln!(f, "outbox empty after: {drain}")?;
        writeln!(f, "archived: {} bids, {reconciled} of them from the outbox by the reconciler", self.archived)?;
        writeln!(f, "lost by Redis with its power, and told to somebody: {} bids", self.lost.count)?;
        for (rule, Finding { count, evidence }) in &self.violations {
            writeln!(f, "VIOLATED: {rule:?}, {count} times")?;
            for line in evidence {
                writeln!(f, "  {line}")?;
            }
        }
        write!(f, "{} violations", self.violations.values().map(|finding| finding.count).sum::<u64>())
    }
}
