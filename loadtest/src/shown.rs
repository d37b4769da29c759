//! Numbers and charts that several experiments show alike.

use crate::result::{Axis, Chart, Line, Scale, Trial};

/// With three digits, or that it is not known.
pub fn or_unknown(value: Option<f64>, unit: &str) -> String {
    match value {
        Some(value) => format!("{} {unit}", digits(value)).trim_end().to_owned(),
        None => "n/a".to_owned(),
    }
}

/// Three digits, without a power of ten.
pub fn digits(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.9995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The latencies of trials by quantile, up to where there are samples enough.
pub fn percentiles<'a>(title: &str, trials: impl IntoIterator<Item = &'a Trial>) -> Chart {
    let trials: Vec<&Trial> = trials.into_iter().collect();
    let line = |(number, trial): (usize, &&Trial)| {
        let points = trial.latency.quantiles.iter().map(|known| (known.quantile, known.ms));
        // Repeats have the same name.
        let is_alone = trials.iter().filter(|other| other.name == trial.name).count() == 1;
        let name = if is_alone { trial.name.clone() } else { format!("{}, {}", trial.name, number + 1) };
        Line::new(name, points)
    };
    Chart::new(
        title,
        Axis::new("of all bids", Scale::Nines),
        Axis::new("ms", Scale::Logarithmic),
        trials.iter().enumerate().map(line).collect(),
    )
}
