//! The page of a storm: load, faults, latency, outbox and viewers' lag over the same seconds.

use std::fmt::Write;

use anyhow::Result;

use crate::chart::{self, Size, escaped};
use crate::record::{FaultRecord, Folder, lines};
use crate::result::{Axis, Band, Chart, Line, Scale, Style};
use crate::seconds::Seconds;
use crate::verify::{Finding, Verdict};

const PAGE: &str = include_str!("timeline/page.html");

/// Leaves `report.html` beside the record.
pub fn write(folder: &Folder, verdict: &Verdict) -> Result<()> {
    let faults: Vec<FaultRecord> = lines(&folder.file("faults.jsonl"))?.collect::<Result<_>>()?;
    let seconds = Seconds::read(folder, verdict.run.started_at)?;
    let charts = std::iter::once(broken(&faults)).chain(over_time(&seconds, &failing(&faults)));
    let charts = charts.map(|chart| chart::figure(&chart, Size::WIDE)).collect::<String>();
    let page = PAGE
        .replace("{{style}}", chart::STYLE)
        .replace("{{title}}", &format!("Storm {}", verdict.run.seed))
        .replace("{{verdict}}", if verdict.passed() { "0 violations" } else { "violated" })
        .replace("{{class}}", if verdict.passed() { "passed" } else { "failed" })
        .replace("{{command}}", &escaped(&verdict.run.command))
        .replace("{{machine}}", &escaped(&format!("{}, revision {}", verdict.run.machine, verdict.run.revision)))
        .replace("{{figures}}", &figures(verdict))
        .replace("{{findings}}", &findings(verdict))
        .replace("{{charts}}", &charts);
    Ok(std::fs::write(folder.file("report.html"), page)?)
}

fn seconds_axis() -> Axis {
    Axis::new("s", Scale::Linear)
}

/// Which server was broken when.
pub(crate) fn broken(faults: &[FaultRecord]) -> Chart {
    let band = |fault: &FaultRecord| Band {
        is_bad: fault.bids_fail_until.is_some(),
        ..Band::new(subject(&fault.fault), fault.from as f64 / 1e6, fault.until as f64 / 1e6)
    };
    let mut bands: Vec<Band> = faults.iter().map(band).collect();
    bands.sort_by(|one, other| one.name.cmp(&other.name));
    Chart { bands, ..Chart::new("Faults", seconds_axis(), Axis::new("", Scale::Linear), Vec::new()) }
}

/// The server that a fault is one of.
fn subject(fault: &str) -> &str {
    let end = fault.find([' ', ',']).unwrap_or(fault.len());
    fault[..end].trim_start_matches("bidding-")
}

/// When bids may fail.
fn failing(faults: &[FaultRecord]) -> Vec<Band> {
    let band = |fault: &FaultRecord| Some(Band::new("", fault.from as f64 / 1e6, fault.bids_fail_until? as f64 / 1e6));
    faults.iter().filter_map(band).collect()
}

/// What went on, with some stretches of time marked.
pub(crate) fn over_time(seconds: &Seconds, bands: &[Band]) -> Vec<Chart> {
    let line = |name: &str, values: Vec<Option<f64>>| {
        let points = values.into_iter().enumerate().map(|(second, value)| (second as f64 + 0.5, value));
        Line { name: name.to_owned(), points: points.collect(), style: Style::Line }
    };
    let chart = |title, unit: &str, scale, lines| Chart {
        bands: bands.to_vec(),
        ..Chart::new(title, seconds_axis(), Axis::new(unit, scale), lines)
    };
    let answers = vec![
        line("accepted", seconds.counts(|second| second.accepted)),
        line("refused, repeated or no bid", seconds.counts(|second| second.other)),
        line("without an answer", seconds.counts(|second| second.unknown)),
    ];
    let latency = vec![line("p99", seconds.latency(0.99)), line("p50", seconds.latency(0.5))];
    let lag = vec![line("p99", seconds.lag(0.99)), line("p50", seconds.lag(0.5))];
    let length = vec![line("length", seconds.outbox(|sample| sample.outbox))];
    let age = vec![line("age", seconds.outbox(|sample| sample.outbox_age_s))];
    vec![
        Chart { is_stacked: true, ..chart("Answers a second", "", Scale::Linear, answers) },
        chart("Latency of answers, from when they were due", "ms", Scale::Logarithmic, latency),
        chart("Events in the outbox", "events", Scale::Linear, length),
        chart("Age of the oldest event in the outbox", "s", Scale::Linear, age),
        chart("From acceptance to the viewer, by when it was seen", "ms", Scale::Logarithmic, lag),
    ]
}

/// A row for each line of what the command prints.
fn figures(verdict: &Verdict) -> String {
    let text = verdict.to_string();
    let lines = text.lines().skip(2).take_while(|line| line.contains(": ") && !line.starts_with("VIOLATED"));
    lines.fold(String::new(), |mut rows, line| {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        let _ = write!(rows, "<tr><th>{}</th><td>{}</td></tr>", escaped(name), escaped(value));
        rows
    })
}

fn findings(verdict: &Verdict) -> String {
    let mut text = String::new();
    for (rule, Finding { count, evidence }) in &verdict.violations {
        let evidence = escaped(&evidence.join("\n"));
        let _ = write!(text, "<h2>Violated: {rule:?}, {count} times</h2><pre>{evidence}</pre>");
    }
    text
}
