//! One figure of all servers, as bars.

use std::fmt::Write;

use crate::chart::step;
use crate::relay_cost::servers::Kind;

pub(super) struct Panel {
    pub(super) title: String,
    pub(super) unit: &'static str,
    pub(super) entries: Vec<Entry>,
}

pub(super) struct Entry {
    pub(super) server: Kind,
    pub(super) value: f64,
    /// Other values that are marked.
    pub(super) marks: Vec<f64>,
    pub(super) lost: u64,
}

const ROW: f64 = 18.0;
const TITLE: f64 = 22.0;
const AXIS: f64 = 34.0;
/// For the names on the left, and the values on the right.
const NAMES: f64 = 150.0;
const VALUES: f64 = 92.0;

impl Panel {
    pub(super) fn height(&self) -> f64 {
        TITLE + ROW * self.entries.len() as f64 + AXIS
    }

    pub(super) fn draw(&self, svg: &mut String, left: f64, top: f64, width: f64) {
        let zero = left + NAMES;
        let values = self.entries.iter().flat_map(|entry| entry.marks.iter().copied().chain([entry.value]));
        let max = values.fold(0.0, f64::max).max(0.001);
        let x = |value: f64| zero + (width - NAMES - VALUES) * value.max(0.0) / max;
        let _ = write!(svg, r#"<text x="{left}" y="{:.1}" class="title">{}</text>"#, top + 12.0, self.title);
        let bottom = top + TITLE + ROW * self.entries.len() as f64;
        self.axis(svg, max, [top + TITLE, bottom], x);
        for (number, entry) in self.entries.iter().enumerate() {
            entry.draw(svg, [zero, x(max) + 8.0, top + TITLE + ROW * number as f64], x);
        }
    }

    fn axis(&self, svg: &mut String, max: f64, [top, bottom]: [f64; 2], x: impl Fn(f64) -> f64) {
        // Half as many lines as over the full width.
        let step = step(max * 2.0);
        for value in (0..).map(|count| f64::from(count) * step).take_while(|value| *value <= max) {
            let (x, value) = (x(value), (value * 1_000.0).round() / 1_000.0);
            let _ = write!(svg, r#"<path d="M{x:.1} {top:.1}V{bottom:.1}" class="grid"/>"#);
            let _ = write!(svg, r#"<text x="{x:.1}" y="{:.1}" class="middle">{value}</text>"#, bottom + 13.0);
        }
        let _ = write!(svg, r#"<text x="{:.1}" y="{:.1}">{}</text>"#, x(max) + 8.0, bottom + 13.0, self.unit);
    }
}

impl Entry {
    fn draw(&self, svg: &mut String, [zero, values, top]: [f64; 3], x: impl Fn(f64) -> f64) {
        let Self { server, value, marks, lost } = self;
        let class = match server {
            Kind::Ours => "ours",
            server if server.is_floor() => "floor",
            _ => "peer",
        };
        let (end, middle) = (x(*value), top + 12.0);
        let _ = write!(svg, r#"<text x="{}" y="{middle:.1}" class="label end">{}</text>"#, zero - 8.0, server.name());
        let _ = write!(
            svg,
            r#"<rect x="{zero:.1}" y="{:.1}" width="{:.1}" height="{}" class="{class}"/>"#,
            top + 2.0,
            end - zero,
            ROW - 5.0
        );
        for mark in marks {
            let _ = write!(svg, r#"<path d="M{:.1} {:.1}v{}" class="mark"/>"#, x(*mark), top + 2.0, ROW - 5.0);
        }
        let _ = write!(svg, r#"<text x="{values:.1}" y="{middle:.1}" class="value">{value:.2}"#);
        if *lost > 0 {
            let _ = write!(svg, r#"<tspan class="bad"> lost {lost}</tspan>"#);
        }
        svg.push_str("</text>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stay_inside_and_losses_show() {
        let entry = |server, value, lost| Entry { server, value, marks: vec![value * 0.5, value * 2.0], lost };
        let entries = vec![entry(Kind::Ours, 10.0, 0), entry(Kind::Ws, 1.0, 7)];
        let mut svg = String::new();
        Panel { title: "t".to_owned(), unit: "ms", entries }.draw(&mut svg, 500.0, 0.0, 500.0);
        // The longest mark ends just before the values begin.
        assert!(svg.contains("M908.0 24.0v13"), "{svg}");
        assert_eq!(svg.matches(r#"<text x="916.0""#).count(), 3, "{svg}");
        assert_eq!(svg.matches("lost").count(), 1);
        assert_eq!(svg.matches(r#"class="ours""#).count(), 1);
    }
}
