//! How many arrivals come, over time.

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// A second.
    Constant(f64),
    /// Changes evenly from the beginning to the end of the load.
    Ramp { from: f64, to: f64 },
}

impl Rate {
    /// When, in seconds, so many arrivals are expected to have come; none if that is never.
    pub(super) fn time_of(self, expected: f64, lasts_s: f64) -> Option<f64> {
        let time = match self {
            Self::Constant(rate) => expected / rate,
            Self::Ramp { from, to } => {
                // from·t + growth·t²/2 = expected, in the form that does not divide by the growth.
                let growth = (to - from) / lasts_s;
                2.0 * expected / (from + (from * from + 2.0 * growth * expected).sqrt())
            }
        };
        time.is_finite().then_some(time)
    }

    /// How many arrivals are expected in all.
    pub fn total(self, lasts_s: f64) -> f64 {
        match self {
            Self::Constant(rate) => rate * lasts_s,
            Self::Ramp { from, to } => (from + to) / 2.0 * lasts_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_has_its_arrivals_where_its_area_says() {
        let ramp = Rate::Ramp { from: 0.0, to: 100.0 };
        assert_eq!(ramp.total(10.0), 500.0);
        // A quarter of the area lies before half of the time.
        assert!((ramp.time_of(125.0, 10.0).unwrap() - 5.0).abs() < 1e-9);
        assert!((ramp.time_of(500.0, 10.0).unwrap() - 10.0).abs() < 1e-9);
        let flat = Rate::Ramp { from: 50.0, to: 50.0 };
        assert_eq!(flat.time_of(25.0, 10.0), Rate::Constant(50.0).time_of(25.0, 10.0));
        // A falling ramp comes to nothing: beyond its area nobody arrives.
        assert_eq!(Rate::Ramp { from: 100.0, to: 0.0 }.time_of(501.0, 10.0), None);
    }
}
