//! Lines, or areas that stand on each other.

use std::fmt::Write;

use super::{Size, Span, axes, class, escaped, opened};
use crate::result::{Band, Chart, Line, Mark, Style};

/// More points than this are a curve, and get no dots.
const DOTS_MAX: usize = 40;

pub(super) fn svg(chart: &Chart, size: Size) -> String {
    let Size { width, height, left, right, top, bottom } = size;
    let drawn = stacked(chart);
    let points = || drawn.iter().flat_map(|line| &line.points);
    let edges = chart.bands.iter().flat_map(|band| [band.from, band.until]);
    let x = Span::over(chart.x.scale, points().map(|point| point.0).chain(edges), left, right);
    let marked = chart.marks.iter().map(|mark| mark.at);
    let y = Span::over(chart.y.scale, points().filter_map(|point| point.1).chain(marked), bottom, top);
    let mut svg = opened(chart, width, height);
    bands(&mut svg, &chart.bands, &x, size);
    axes::horizontal(&mut svg, chart, &x, size);
    axes::vertical(&mut svg, chart, &y, size);
    for Mark { name, at } in &chart.marks {
        let place = y.place(*at);
        let _ = write!(
            svg,
            r#"<path d="M{left} {place:.1}H{right}" class="mark"/><text x="{:.1}" y="{:.1}" class="end mark-name">{}</text>"#,
            right - 4.0,
            place - 4.0,
            escaped(name)
        );
    }
    for (index, line) in drawn.iter().enumerate().rev() {
        let class = class(index, line.style);
        let path = path(line, &x, &y);
        if chart.is_stacked {
            let _ = write!(svg, r#"<path d="{}" class="area {class}"/>"#, closed(&path, line, &x, bottom));
            continue;
        }
        if line.style != Style::Points {
            let _ = write!(svg, r#"<path d="{path}" class="line {class}"/>"#);
        }
        if line.style == Style::Points || line.style == Style::Line && line.points.len() <= DOTS_MAX {
            dots(&mut svg, line, &class, &x, &y);
        }
    }
    svg + "</svg>"
}

/// The lines as they are drawn.
fn stacked(chart: &Chart) -> Vec<Line> {
    let mut drawn: Vec<Line> = Vec::new();
    for line in &chart.lines {
        let mut line = line.clone();
        if let Some(below) = drawn.last().filter(|_| chart.is_stacked) {
            for (point, under) in line.points.iter_mut().zip(&below.points) {
                point.1 = point.1.map(|value| value + under.1.unwrap_or_default());
            }
        }
        drawn.push(line);
    }
    drawn
}

fn path(line: &Line, x: &Span, y: &Span) -> String {
    let mut path = String::new();
    let mut is_drawing = false;
    for (at, value) in &line.points {
        let Some(value) = value else {
            is_drawing = false;
            continue;
        };
        let command = if is_drawing { 'L' } else { 'M' };
        let _ = write!(path, "{command}{:.1} {:.1}", x.place(*at), y.place(*value));
        is_drawing = true;
    }
    path
}

/// An area goes down to the bottom at its ends.
fn closed(path: &str, line: &Line, x: &Span, bottom: f64) -> String {
    match (line.points.first(), line.points.last()) {
        (Some(first), Some(last)) if !path.is_empty() => {
            format!("{path}L{:.1} {bottom:.1}L{:.1} {bottom:.1}Z", x.place(last.0), x.place(first.0))
        }
        _ => String::new(),
    }
}

fn dots(svg: &mut String, line: &Line, class: &str, x: &Span, y: &Span) {
    for (at, value) in &line.points {
        let Some(value) = value else { continue };
        let title = escaped(&format!("{}: {} at {}", line.name, y.words(*value), x.words(*at)));
        let (at, value) = (x.place(*at), y.place(*value));
        let _ = write!(
            svg,
            r#"<circle cx="{at:.1}" cy="{value:.1}" r="2.5" class="dot {class}"><title>{title}</title></circle>"#
        );
    }
}

fn bands(svg: &mut String, bands: &[Band], x: &Span, size: Size) {
    let Size { top, bottom, .. } = size;
    for Band { name, from, until, .. } in bands {
        let (left, right) = (x.place(*from), x.place(*until));
        let width = (right - left).max(1.0);
        let _ = write!(
            svg,
            r#"<rect x="{left:.1}" y="{top}" width="{width:.1}" height="{:.1}" class="band"><title>{}</title></rect>"#,
            bottom - top,
            escaped(name)
        );
        // Only where there is room for it.
        if width > name.len() as f64 * 5.0 {
            let _ = write!(
                svg,
                r#"<text x="{:.1}" y="{:.1}" class="band-name">{}</text>"#,
                left + 3.0,
                top + 11.0,
                escaped(name)
            );
        }
    }
}
