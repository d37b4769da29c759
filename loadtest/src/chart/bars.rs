//! A row for each name, and a bar for each of its stretches: which server was broken when, where the time goes.

use std::fmt::Write;

use super::{Size, Span, axes, escaped, opened};
use crate::result::Chart;

const ROW: f64 = 18.0;
/// Of a letter, more or less.
const LETTER: f64 = 6.0;

pub(super) fn svg(chart: &Chart, size: Size) -> String {
    let mut names: Vec<&str> = Vec::new();
    for band in &chart.bands {
        if !names.contains(&band.name.as_str()) {
            names.push(&band.name);
        }
    }
    let longest = names.iter().map(|name| name.len()).max().unwrap_or_default() as f64;
    let left = (longest * LETTER + 8.0).clamp(size.left, size.width / 2.0);
    let bottom = size.top + ROW * names.len() as f64;
    let size = Size { left, bottom, height: bottom + 40.0, ..size };
    let edges = chart.bands.iter().flat_map(|band| [band.from, band.until]);
    let x = Span::over(chart.x.scale, edges, size.left, size.right);
    let mut svg = opened(chart, size.width, size.height);
    axes::horizontal(&mut svg, chart, &x, size);
    for (row, name) in names.iter().enumerate() {
        let top = size.top + ROW * row as f64;
        let _ = write!(
            svg,
            r#"<text x="{:.1}" y="{:.1}" class="end label">{}</text>"#,
            left - 6.0,
            top + 13.0,
            escaped(name)
        );
        for band in chart.bands.iter().filter(|band| band.name == *name) {
            let (from, until) = (x.place(band.from), x.place(band.until));
            let (width, class) = ((until - from).max(2.0), if band.is_bad { "bad" } else { "bar" });
            let title = escaped(&format!("{name}: {} to {}", x.words(band.from), x.words(band.until)));
            let (top, height) = (top + 3.0, ROW - 6.0);
            let _ = write!(
                svg,
                r#"<rect x="{from:.1}" y="{top}" width="{width:.1}" height="{height}" class="{class}"><title>{title}</title></rect>"#
            );
        }
    }
    svg + "</svg>"
}
