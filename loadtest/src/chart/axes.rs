//! The lines and numbers around a drawing.

use std::fmt::Write;

use super::{Size, Span, escaped};
use crate::result::Chart;

/// Numbers below each other need this much room.
const LINE: f64 = 14.0;

pub(super) fn horizontal(svg: &mut String, chart: &Chart, span: &Span, size: Size) {
    let Size { left, right, top, bottom, height, .. } = size;
    for value in span.ticks() {
        let x = span.place(value);
        let anchor = if x > right - 12.0 { "end" } else { "middle" };
        let _ = write!(
            svg,
            r#"<path d="M{x:.1} {top}V{bottom}" class="grid"/><text x="{x:.1}" y="{:.1}" class="{anchor}">{}</text>"#,
            bottom + LINE,
            span.words(value)
        );
    }
    let middle = (left + right) / 2.0;
    let label = escaped(&chart.x.label);
    let _ = write!(svg, r#"<text x="{middle:.1}" y="{:.1}" class="middle label">{label}</text>"#, height - 6.0);
}

pub(super) fn vertical(svg: &mut String, chart: &Chart, span: &Span, size: Size) {
    let Size { left, right, top, bottom, .. } = size;
    for value in span.ticks() {
        let y = span.place(value);
        let _ = write!(
            svg,
            r#"<path d="M{left} {y:.1}H{right}" class="grid"/><text x="{:.1}" y="{:.1}" class="end">{}</text>"#,
            left - 6.0,
            y + 4.0,
            span.words(value)
        );
    }
    let middle = (top + bottom) / 2.0;
    let label = escaped(&chart.y.label);
    let _ =
        write!(svg, r#"<text transform="translate(11 {middle:.1}) rotate(-90)" class="middle label">{label}</text>"#);
}
