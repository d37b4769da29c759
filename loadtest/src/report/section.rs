//! One experiment.

use std::fmt::Write;
use std::path::Path;

use super::comparison::shown;
use super::{check, validity};
use crate::chart::{self, Size, escaped};
use crate::result::{Chart, Report, Table};

pub(super) fn section(path: &Path, report: &Report) -> String {
    let Report { experiment, question, command, machine, revision, seed, .. } = report;
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut html = format!(
        r#"<section id="{experiment}"><h2>{experiment}: {}</h2>
<p>{} · promises {} · <code>{}</code></p>
"#,
        escaped(question),
        validity(report),
        check(report),
        escaped(&file)
    );
    list(&mut html, "", &report.findings);
    list(&mut html, "wrong", &report.validity.reasons);
    html.push_str(&figures(report));
    html.push_str(&charts(&report.charts));
    report.tables.iter().for_each(|shown| html.push_str(&table(shown)));
    let parameters: Vec<String> = report.parameters.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let _ = write!(
        html,
        r#"<h3>Again</h3><pre>target/release/{}</pre><p class="quiet">Revision {}, seed {seed}, {}; {}.</p></section>"#,
        escaped(command),
        escaped(revision),
        escaped(machine),
        escaped(&parameters.join(", "))
    );
    html
}

fn list(html: &mut String, class: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let items: String = lines.iter().map(|line| format!("<li>{}</li>", escaped(line))).collect();
    let _ = write!(html, r#"<ul class="{class}">{items}</ul>"#);
}

fn figures(report: &Report) -> String {
    let row = |figure| format!("<tr><td>{}</td><td>{}</td></tr>", escaped(&format!("{}", Name(figure))), shown(figure));
    let rows: String = report.figures.iter().map(row).collect();
    format!(r#"<div class="scroll"><table>{rows}</table></div>"#)
}

/// A figure's name, and that its interval is one.
struct Name<'a>(&'a crate::result::Figure);

impl std::fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(figure) = self;
        let interval = if figure.interval.is_some() { " (95 % interval)" } else { "" };
        write!(f, "{}{interval}", figure.name)
    }
}

/// Those over long times are as wide as the page.
fn charts(charts: &[Chart]) -> String {
    const LONG: f64 = 30.0;
    let is_long = |chart: &&Chart| {
        let ends = chart.lines.iter().filter_map(|line| line.points.last()).map(|point| point.0);
        let ends = ends.chain(chart.bands.iter().map(|band| band.until));
        chart.x.label == "s" && ends.fold(0.0, f64::max) > LONG
    };
    let (wide, cards): (Vec<_>, Vec<_>) = charts.iter().partition(is_long);
    let mut html = String::new();
    for (class, charts, size) in [("charts", cards, Size::CARD), ("charts wide", wide, Size::WIDE)] {
        if !charts.is_empty() {
            let figures: String = charts.into_iter().map(|chart| chart::figure(chart, size)).collect();
            let _ = write!(html, r#"<div class="{class}">{figures}</div>"#);
        }
    }
    html
}

fn table(table: &Table) -> String {
    let cells = |cells: &[String], tag| {
        cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect::<String>()
    };
    let rows: String = table.rows.iter().map(|row| format!("<tr>{}</tr>", cells(row, "td"))).collect();
    format!(
        r#"<h3>{}</h3><div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{rows}</tbody></table></div><p class="quiet">{}</p>
"#,
        escaped(&table.title),
        cells(&table.columns, "th"),
        escaped(&table.note)
    )
}
