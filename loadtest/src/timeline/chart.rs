//! Values over time.

use std::fmt::Write;

use super::drawing::{HEIGHT, LEFT, RIGHT, TOP, opened, step, time_axis, x};

pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) unit: &'static str,
    pub(super) scale: Scale,
    pub(super) style: Style,
    pub(super) lines: Vec<Line>,
}

/// A value for each second.
pub(super) struct Line {
    pub(super) name: &'static str,
    /// Its colour, by the page.
    pub(super) class: &'static str,
    pub(super) values: Vec<Option<f64>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    Logarithmic,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Lines,
    /// Each line stands on the one before.
    Stacked,
}

/// A stretch of time that is marked.
#[derive(Clone, Copy)]
pub(super) struct Band {
    pub(super) from_s: f64,
    pub(super) until_s: f64,
}

/// The least that a logarithmic scale shows.
const LEAST: f64 = 0.1;

impl Chart {
    /// `bands` are the times in which bids may fail.
    pub(super) fn svg(&self, bands: &[Band], end_s: f64) -> String {
        let mut svg = opened(self.title, TOP + HEIGHT + 22.0);
        for Band { from_s, until_s } in bands {
            let (left, width) = (x(*from_s, end_s), x(*until_s, end_s) - x(*from_s, end_s));
            let _ = write!(
                svg,
                r#"<rect x="{left:.1}" y="{TOP}" width="{:.1}" height="{HEIGHT}" class="band"/>"#,
                width.max(1.0)
            );
        }
        let stacked = self.stacked();
        let max = stacked.iter().flatten().flatten().copied().fold(1.0, f64::max);
        self.value_axis(&mut svg, max);
        time_axis(&mut svg, TOP + HEIGHT + 4.0, end_s);
        for (index, line) in self.lines.iter().enumerate().rev() {
            let path = self.path(&stacked[index], max, end_s);
            let kind = if self.style == Style::Stacked { "area" } else { "line" };
            let _ = write!(svg, r#"<path d="{path}" class="{kind} {}"/>"#, line.class);
        }
        self.legend(&mut svg);
        svg + "</svg>"
    }

    /// The values as they are drawn.
    fn stacked(&self) -> Vec<Vec<Option<f64>>> {
        let mut drawn: Vec<Vec<Option<f64>>> = Vec::new();
        for line in &self.lines {
            let below = drawn.last().filter(|_| self.style == Style::Stacked);
            let on_top = |(index, value): (usize, &Option<f64>)| {
                let below = below.and_then(|below| below.get(index).copied().flatten()).unwrap_or_default();
                value.map(|value| value + below)
            };
            let values = line.values.iter().enumerate().map(on_top).collect();
            drawn.push(values);
        }
        drawn
    }

    fn y(&self, value: f64, max: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => value / max,
            Scale::Logarithmic => (value.max(LEAST) / LEAST).log10() / (max.max(1.0) / LEAST).log10(),
        };
        TOP + HEIGHT * (1.0 - share)
    }

    /// A line has a gap where there is no value; an area goes down to the bottom at its ends.
    fn path(&self, values: &[Option<f64>], max: f64, end_s: f64) -> String {
        let mut path = String::new();
        let mut is_drawing = false;
        for (second, value) in values.iter().enumerate() {
            let Some(value) = value else {
                is_drawing = false;
                continue;
            };
            let command = if is_drawing { 'L' } else { 'M' };
            let _ = write!(path, "{command}{:.1} {:.1}", x(second as f64 + 0.5, end_s), self.y(*value, max));
            is_drawing = true;
        }
        if self.style == Style::Stacked && !path.is_empty() {
            let (first, last) = (x(0.5, end_s), x(values.len() as f64 - 0.5, end_s));
            let bottom = TOP + HEIGHT;
            let _ = write!(path, "L{last:.1} {bottom:.1}L{first:.1} {bottom:.1}Z");
        }
        path
    }

    fn value_axis(&self, svg: &mut String, max: f64) {
        let values: Vec<f64> = match self.scale {
            Scale::Linear => {
                let step = step(max * 2.0);
                (0..).map(|count| f64::from(count) * step).take_while(|value| *value <= max).collect()
            }
            Scale::Logarithmic => (-1..).map(|power| 10_f64.powi(power)).take_while(|value| *value <= max).collect(),
        };
        for value in values {
            let y = self.y(value, max);
            let _ = write!(
                svg,
                r#"<path d="M{LEFT} {y:.1}H{RIGHT}" class="grid"/><text x="{}" y="{:.1}" class="end">{value} {}</text>"#,
                LEFT - 8.0,
                y + 4.0,
                self.unit
            );
        }
    }

    fn legend(&self, svg: &mut String) {
        let mut right = RIGHT;
        for line in self.lines.iter().rev() {
            let _ = write!(svg, r#"<text x="{right}" y="14" class="end label">{}</text>"#, line.name);
            right -= line.name.len() as f64 * 5.6 + 8.0;
            let _ = write!(svg, r#"<circle cx="{right}" cy="10" r="4" class="dot {}"/>"#, line.class);
            right -= 14.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_gap_where_nothing_is_known_and_areas_stand_on_each_other() {
        let line = |values: &[Option<f64>]| Line { name: "a", class: "good", values: values.to_vec() };
        let lines = vec![line(&[Some(1.0), None, Some(2.0)]), line(&[Some(3.0), Some(3.0), Some(3.0)])];
        let mut chart = Chart { title: "t", unit: "", scale: Scale::Linear, style: Style::Lines, lines };
        assert_eq!(chart.path(&chart.stacked()[0], 2.0, 3.0).matches('M').count(), 2);
        chart.style = Style::Stacked;
        assert_eq!(chart.stacked()[1], [Some(4.0), Some(3.0), Some(5.0)]);
        assert!(chart.svg(&[], 3.0).ends_with("</svg>"));
    }
}
