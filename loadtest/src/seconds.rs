//! A record, second by second.

use anyhow::Result;
use hdrhistogram::Histogram;

use crate::record::{Folder, Outcome, Request, Sample, Seen, Sight, lines};
use crate::result::Second as Row;
use crate::verify::Latency;

pub(crate) struct Seconds {
    /// Microseconds since the run began: what was due before is counted as of the first second.
    from: u64,
    seconds: Vec<Second>,
    samples: Vec<Sample>,
}

pub(crate) struct Second {
    pub(crate) accepted: u64,
    pub(crate) other: u64,
    pub(crate) unknown: u64,
    /// By when they were due, microseconds.
    latency: Histogram<u64>,
    /// By when they were seen.
    lag: Histogram<u64>,
}

impl Second {
    fn new() -> Self {
        // Two digits are enough for a picture, and there are many seconds.
        Self { accepted: 0, other: 0, unknown: 0, latency: Latency::histogram(2), lag: Latency::histogram(2) }
    }
}

impl Seconds {
    pub(crate) fn starting(from: u64) -> Self {
        Self { from, seconds: Vec::new(), samples: Vec::new() }
    }

    pub(crate) fn read(folder: &Folder, started_at: u64) -> Result<Self> {
        let samples = lines(&folder.file("samples.jsonl"))?.collect::<Result<_>>()?;
        let mut seconds = Self { samples, ..Self::starting(0) };
        for request in lines(&folder.file("requests.jsonl"))? {
            seconds.enter(&request?);
        }
        for sight in lines(&folder.file("frames.jsonl"))? {
            seconds.see(&sight?, started_at);
        }
        Ok(seconds)
    }

    pub(crate) fn enter(&mut self, request: &Request) {
        let second = self.at(request.answered);
        match request.outcome {
            Outcome::Accepted { replayed: false, .. } => second.accepted += 1,
            Outcome::Unknown(_) => second.unknown += 1,
            Outcome::Accepted { .. } | Outcome::Refused { .. } | Outcome::Rejected(_) => second.other += 1,
        }
        self.at(request.due).latency.saturating_record(request.latency().max(1));
    }

    fn see(&mut self, sight: &Sight, started_at: u64) {
        let Seen::Bid { accepted_at, .. } = sight.seen else { return };
        let lag = (started_at + sight.at).saturating_sub(accepted_at).max(1);
        self.at(sight.at).lag.saturating_record(lag);
    }

    fn at(&mut self, time: u64) -> &mut Second {
        let index = (time.saturating_sub(self.from) / 1_000_000) as usize;
        while self.seconds.len() <= index {
            self.seconds.push(Second::new());
        }
        &mut self.seconds[index]
    }

    /// For a result.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let row = |second: &Second| Row {
            accepted: second.accepted,
            other: second.other,
            failed: second.unknown,
            p50_ms: milliseconds(&second.latency, 0.5),
            p99_ms: milliseconds(&second.latency, 0.99),
        };
        self.seconds.iter().map(row).collect()
    }

    pub(crate) fn counts(&self, count: impl Fn(&Second) -> u64) -> Vec<Option<f64>> {
        self.seconds.iter().map(|second| Some(count(second) as f64)).collect()
    }

    pub(crate) fn latency(&self, quantile: f64) -> Vec<Option<f64>> {
        self.seconds.iter().map(|second| milliseconds(&second.latency, quantile)).collect()
    }

    pub(crate) fn lag(&self, quantile: f64) -> Vec<Option<f64>> {
        self.seconds.iter().map(|second| milliseconds(&second.lag, quantile)).collect()
    }

    /// None where the worker did not answer.
    pub(crate) fn outbox(&self, value: impl Fn(&Sample) -> Option<u64>) -> Vec<Option<f64>> {
        let mut values = vec![None; self.seconds.len()];
        for sample in &self.samples {
            if let Some(place) = values.get_mut((sample.at.saturating_sub(self.from) / 1_000_000) as usize) {
                *place = value(sample).map(|value| value as f64);
            }
        }
        values
    }
}

fn milliseconds(histogram: &Histogram<u64>, quantile: f64) -> Option<f64> {
    (!histogram.is_empty()).then(|| histogram.value_at_quantile(quantile) as f64 / 1_000.0)
}
