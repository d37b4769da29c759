//! What all charts have in common: their size, and the time from left to right. They are SVG.

use std::fmt::Write;

// Of the drawing, in its own units.
pub(crate) const WIDTH: f64 = 1_000.0;
pub(super) const LEFT: f64 = 190.0;
pub(super) const RIGHT: f64 = 990.0;
pub(super) const HEIGHT: f64 = 130.0;
pub(super) const TOP: f64 = 24.0;
pub(super) fn x(second: f64, end_s: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * second / end_s
}

/// Round steps, at most ten of them.
pub(crate) fn step(range: f64) -> f64 {
    let magnitude = 10_f64.powf((range / 10.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * magnitude);
    steps.into_iter().find(|step| range / step <= 10.0).unwrap_or(range)
}

pub(crate) fn opened(title: &str, height: f64) -> String {
    format!(
        r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}"><text x="0" y="14" class="title">{title}</text>"#
    )
}

pub(super) fn time_axis(svg: &mut String, top: f64, end_s: f64) {
    let step = step(end_s);
    let seconds = (0..).map(|count| f64::from(count) * step).take_while(|second| *second <= end_s);
    for second in seconds {
        let _ = write!(svg, r#"<text x="{:.1}" y="{}" class="middle">{second} s</text>"#, x(second, end_s), top + 12.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (range, expected) in [(1.0, 0.1), (25.0, 5.0), (60.0, 10.0), (130.0, 20.0), (600.0, 100.0)] {
            assert!((step(range) - expected).abs() < 1e-9, "{range}: {}", step(range));
        }
    }
}
