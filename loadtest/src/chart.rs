//! Charts as SVG, of the data of a result. Colours and fonts are the page's: `style.css`.

mod axes;
mod bars;
mod lines;
mod scale;

use std::fmt::Write;

use self::scale::Span;
pub(crate) use self::scale::step;
use crate::result::{Chart, Style};

pub const STYLE: &str = include_str!("chart/style.css");

/// Colours of the page. Lines beyond them begin anew, with dashes.
const COLOURS: usize = 8;

/// The place of the drawing itself, in units of the picture, with room for the axes around it.
#[derive(Clone, Copy)]
pub struct Size {
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Size {
    /// Two beside each other on a screen, one below the other on a phone.
    pub const CARD: Self = Self { width: 480.0, height: 290.0, left: 52.0, right: 470.0, top: 12.0, bottom: 246.0 };
    /// As wide as the page, for long times.
    pub const WIDE: Self = Self { width: 1_000.0, height: 190.0, left: 64.0, right: 990.0, top: 12.0, bottom: 146.0 };
}

/// A figure of HTML: the picture, with its title above and its legend below.
pub fn figure(chart: &Chart, size: Size) -> String {
    let picture = if chart.lines.is_empty() { bars::svg(chart, size) } else { lines::svg(chart, size) };
    let mut html = format!("<figure><figcaption>{}</figcaption>{picture}", escaped(&chart.title));
    if chart.lines.len() > 1 {
        html.push_str("<ul class=\"legend\">");
        for (index, line) in chart.lines.iter().enumerate() {
            let class = class(index, line.style);
            let _ = write!(
                html,
                r#"<li><svg viewBox="0 0 24 8" aria-hidden="true"><path d="M0 4H24" class="line {class}"/></svg>{}</li>"#,
                escaped(&line.name)
            );
        }
        html.push_str("</ul>");
    }
    html + "</figure>\n"
}

fn class(index: usize, style: Style) -> String {
    let dashes = if index >= COLOURS || style == Style::Reference { " dashed" } else { "" };
    format!("c{}{dashes}", index % COLOURS)
}

fn opened(chart: &Chart, width: f64, height: f64) -> String {
    format!(r#"<svg viewBox="0 0 {width} {height}" role="img" aria-label="{}">"#, escaped(&chart.title))
}

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Axis, Band, Line, Scale, Style};

    fn chart(lines: Vec<Line>) -> Chart {
        let axis = |scale| Axis::new("n", scale);
        Chart::new("a < b", axis(Scale::Linear), axis(Scale::Logarithmic), lines)
    }

    #[test]
    fn a_line_has_a_gap_where_nothing_is_known() {
        let points = vec![(0.0, Some(1.0)), (1.0, None), (2.0, Some(3.0)), (3.0, Some(4.0))];
        let html = figure(&chart(vec![Line { name: "one".to_owned(), points, style: Style::Line }]), Size::CARD);
        let path = html.split("<path d=\"").find(|part| part.contains("line c0")).unwrap();
        assert_eq!(path.matches('M').count(), 2, "{path}");
        assert!(html.contains("a &lt; b") && !html.contains("a < b") && !html.contains("NaN"), "{html}");
    }

    #[test]
    fn nothing_and_a_single_point_can_be_drawn() {
        for points in [vec![], vec![(5.0, Some(2.0))], vec![(0.0, Some(0.0))]] {
            let html = figure(&chart(vec![Line { name: "one".to_owned(), points, style: Style::Line }]), Size::WIDE);
            assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
        }
        let mut bars = chart(Vec::new());
        bars.bands = vec![Band::new("relay", 1.0, 2.0), Band::new("relay", 3.0, 4.0), Band::new("nats", 0.0, 1.0)];
        let html = figure(&bars, Size::WIDE);
        assert_eq!((html.matches("<rect").count(), html.matches(">relay<").count()), (3, 1), "{html}");
    }
}
