//! From values to places.

use crate::result::Scale;

/// The values that are shown, and where.
#[derive(Clone, Copy)]
pub(super) struct Span {
    scale: Scale,
    from: f64,
    until: f64,
    start: f64,
    end: f64,
}

/// Where a logarithmic scale begins if nothing else says so.
const LEAST: f64 = 1e-3;
/// The highest quantile that can be shown.
const HIGHEST: f64 = 0.999_999;

impl Span {
    /// Of all values, from one place to another. A linear scale begins at 0.
    pub(super) fn over(scale: Scale, values: impl Iterator<Item = f64>, start: f64, end: f64) -> Self {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        let shown = values.filter(|value| value.is_finite() && (scale != Scale::Logarithmic || *value > 0.0));
        shown.for_each(|value| (least, most) = (least.min(value), most.max(value)));
        if least > most {
            (least, most) = (1.0, 1.0);
        }
        let (from, until) = match scale {
            Scale::Linear => (least.min(0.0), if most > 0.0 { most } else { 1.0 }),
            Scale::Logarithmic => (least.max(LEAST) * 0.9, (most * 1.1).max(least * 2.0)),
            Scale::Nines => (0.0, most.clamp(0.9, HIGHEST)),
        };
        Self { scale, from, until, start, end }
    }

    pub(super) fn place(&self, value: f64) -> f64 {
        let Self { scale, from, until, start, end } = *self;
        let share = match scale {
            Scale::Linear => (value - from) / (until - from),
            Scale::Logarithmic => (value.max(from) / from).ln() / (until / from).ln(),
            Scale::Nines => (1.0 - value.min(HIGHEST)).log10() / (1.0 - until).log10(),
        };
        start + (end - start) * share
    }

    /// Round values, at most about eight.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let within = |value: &f64| (self.from..=self.until * 1.000_001).contains(value);
        match self.scale {
            Scale::Linear => {
                let step = step(self.until - self.from);
                let first = (self.from / step).ceil() as i64;
                (first..)
                    .map(|count| count as f64 * step)
                    .take_while(|value| *value <= self.until * 1.000_001)
                    .collect()
            }
            Scale::Logarithmic => {
                let decades = (self.until / self.from).log10();
                let factors: &[f64] = if decades < 3.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
                let powers = self.from.log10().floor() as i32..=self.until.log10().ceil() as i32;
                powers
                    .flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)))
                    .filter(within)
                    .collect()
            }
            Scale::Nines => [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999].into_iter().filter(within).collect(),
        }
    }

    pub(super) fn words(&self, value: f64) -> String {
        match self.scale {
            Scale::Nines => format!("{} %", (value * 1e6).round() / 1e4),
            _ if value.abs() >= 10_000.0 => format!("{} k", (value / 100.0).round() / 10.0),
            _ => format!("{}", (value * 1e4).round() / 1e4),
        }
    }
}

/// Round steps, at most eight of them.
pub(crate) fn step(range: f64) -> f64 {
    let magnitude = 10_f64.powf((range / 8.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * magnitude);
    steps.into_iter().find(|step| range / step <= 8.0).unwrap_or(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (range, expected) in [(1.0, 0.2), (25.0, 5.0), (60.0, 10.0), (130.0, 20.0), (600.0, 100.0)] {
            assert!((step(range) - expected).abs() < 1e-9, "{range}: {}", step(range));
        }
    }

    #[test]
    fn each_nine_is_as_wide_as_the_one_before() {
        let span = Span::over(Scale::Nines, [0.5, 0.999].into_iter(), 0.0, 300.0);
        for (quantile, place) in [(0.0, 0.0), (0.9, 100.0), (0.99, 200.0), (0.999, 300.0)] {
            assert!((span.place(quantile) - place).abs() < 1e-6, "{quantile}: {}", span.place(quantile));
        }
        assert_eq!(span.ticks(), [0.0, 0.5, 0.9, 0.99, 0.999]);
        let decade = Span::over(Scale::Logarithmic, [1.0, 10.0].into_iter(), 0.0, 1.0);
        assert_eq!(decade.ticks(), [1.0, 2.0, 5.0, 10.0]);
    }
}
