//! Latencies in few numbers, of an HdrHistogram.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Milliseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Distribution {
    pub count: u64,
    pub mean_ms: f64,
    pub max_ms: f64,
    /// Those for which there are samples enough, in order.
    pub quantiles: Vec<Quantile>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Quantile {
    pub quantile: f64,
    pub ms: f64,
}

const QUANTILES: [f64; 16] =
    [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999];

/// At least ten samples must lie beyond a quantile: a thousand are needed for a p99.
pub fn samples_for(quantile: f64) -> u64 {
    // Not ceil: 1 − 0.99 is a little less than a hundredth.
    (10.0 / (1.0 - quantile)).round() as u64
}

impl Distribution {
    /// Of microseconds.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        let ms = |us: f64| us / 1_000.0;
        let count = histogram.len();
        let known = QUANTILES.into_iter().filter(|quantile| count >= samples_for(*quantile));
        let at = |quantile| Quantile { quantile, ms: ms(histogram.value_at_quantile(quantile) as f64) };
        Self {
            count,
            mean_ms: ms(histogram.mean()),
            max_ms: ms(histogram.max() as f64),
            quantiles: known.map(at).collect(),
        }
    }

    /// None: there are too few samples, or nobody asked for this one.
    pub fn at(&self, quantile: f64) -> Option<f64> {
        self.quantiles.iter().find(|known| known.quantile == quantile).map(|known| known.ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::Latency;

    #[test]
    fn there_is_no_quantile_without_samples_enough() {
        let mut histogram = Latency::histogram(3);
        for us in 1..=999 {
            histogram.record(us * 1_000).unwrap();
        }
        let few = Distribution::of(&histogram);
        assert_eq!((few.at(0.99), few.at(0.95).is_some()), (None, true));
        histogram.record(1_000_000).unwrap();
        let p99 = Distribution::of(&histogram).at(0.99).unwrap();
        assert!((p99 - 990.0).abs() < 1.0, "{p99}");
    }
}
