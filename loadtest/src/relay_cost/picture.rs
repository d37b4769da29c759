//! The result as an SVG of its own, for light and dark.

mod panel;

use std::fmt::Write;

use self::panel::{Entry, Panel};
use super::record::Run;
use super::summary::{Figures, Row};
use crate::chart::escaped;

const TITLE: &str = "The relay beside the floor and its peers";
const STYLE: &str = include_str!("picture.css");
/// Of the whole drawing, in its own units.
const WIDTH: f64 = 1_000.0;
/// Room for what stands above and below the panels.
const TOP: f64 = 64.0;
const BOTTOM: f64 = 24.0;
const MARGIN: f64 = 16.0;

pub(super) fn svg(run: &Run) -> String {
    let columns: Vec<Vec<Panel>> = run.parameters.viewers.iter().map(|viewers| panels(run, *viewers)).collect();
    let column_width = WIDTH / columns.len().max(1) as f64;
    let height_of = |column: &Vec<Panel>| column.iter().map(Panel::height).sum::<f64>();
    let height = columns.iter().map(height_of).fold(0.0, f64::max) + TOP + BOTTOM;
    let (width, height_with_margin) = (WIDTH + 2.0 * MARGIN, height + 2.0 * MARGIN);
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height_with_margin}" viewBox="0 0 {width} {height_with_margin}" role="img" aria-label="{TITLE}"><style>{STYLE}</style><g transform="translate({MARGIN} {MARGIN})"><text x="0" y="14" class="title">{TITLE}</text>"#
    );
    head(&mut svg, run);
    for (number, column) in columns.iter().enumerate() {
        let mut top = TOP;
        for panel in column {
            panel.draw(&mut svg, column_width * number as f64, top, column_width);
            top += panel.height();
        }
    }
    let legend = "Bars: until the last viewer has the last message. Strokes: half of all deliveries, and 99 of 100.";
    let _ =
        write!(svg, r#"<text x="0" y="{}">{legend} Medians of {} rounds.</text>"#, height - 8.0, run.parameters.rounds);
    svg + "</g></svg>"
}

fn head(svg: &mut String, run: &Run) {
    let machine = escaped(&format!("{}, revision {}, load average {}", run.machine, run.revision, run.load_average[0]));
    let _ = write!(svg, r#"<text x="0" y="30">{machine}</text>"#);
    if !run.invalid_because.is_empty() {
        let reasons = escaped(&run.invalid_because.join("; "));
        let _ = write!(svg, r#"<text x="0" y="46" class="bad">INVALID: {reasons}</text>"#);
    }
}

fn panels(run: &Run, viewers: usize) -> Vec<Panel> {
    let rows: Vec<&Row> = run.rows.iter().filter(|row| row.viewers == viewers).collect();
    let entries = |entry: &dyn Fn(&Row) -> Entry| rows.iter().map(|row| entry(row)).collect();
    let times = |figures: fn(&Row) -> &Figures| {
        entries(&|row: &Row| {
            let Figures { last_ms, p50_ms, p99_ms, lost, .. } = figures(row);
            Entry { server: row.server, value: *last_ms, marks: vec![*p50_ms, *p99_ms], lost: *lost }
        })
    };
    let plain = |value: fn(&Row) -> f64| {
        entries(&|row: &Row| Entry { server: row.server, value: value(row), marks: Vec::new(), lost: 0 })
    };
    let burst = run.parameters.burst;
    let panel = |title: &str, unit, entries| Panel { title: format!("{viewers} viewers: {title}"), unit, entries };
    vec![
        panel("a message", "ms", times(|row| &row.single)),
        panel(&format!("a burst of {burst}"), "ms", times(|row| &row.burst)),
        panel("CPU of a delivery", "µs", plain(|row| row.single.cpu_us)),
        panel(&format!("CPU of a delivery, bursts of {burst}"), "µs", plain(|row| row.burst.cpu_us)),
        panel("memory of an idle viewer", "KiB", plain(|row| row.idle_viewer_kib)),
    ]
}
