//! The page of a storm: load, faults, latency, outbox and viewers' lag over the same seconds.

mod chart;
pub(crate) mod drawing;
mod faults;
mod seconds;

use std::fmt::Write;

use anyhow::Result;

use self::chart::{Band, Chart, Line, Scale, Style};
use self::seconds::Seconds;
use crate::record::{FaultRecord, Folder, lines};
use crate::verify::{Finding, Verdict};

const PAGE: &str = include_str!("timeline/page.html");

/// Leaves `report.html` beside the record.
pub fn write(folder: &Folder, verdict: &Verdict) -> Result<()> {
    let faults: Vec<FaultRecord> = lines(&folder.file("faults.jsonl"))?.collect::<Result<_>>()?;
    let seconds = Seconds::read(folder, verdict.run.started_at)?;
    let end = faults.iter().map(|fault| fault.bids_fail_until.unwrap_or(fault.until)).max().unwrap_or_default();
    let end_s = (end as f64 / 1e6).max(seconds.len() as f64).max(1.0);
    let mut charts = faults::chart(&faults, end_s);
    for chart in charts_of(&seconds) {
        charts.push_str(&chart.svg(&failing(&faults), end_s));
    }
    let page = PAGE
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

/// When bids may fail.
fn failing(faults: &[FaultRecord]) -> Vec<Band> {
    let band = |fault: &FaultRecord| {
        let until = fault.bids_fail_until?;
        Some(Band { from_s: fault.from as f64 / 1e6, until_s: until as f64 / 1e6 })
    };
    faults.iter().filter_map(band).collect()
}

fn charts_of(seconds: &Seconds) -> Vec<Chart> {
    let line = |name, class, values: Vec<Option<f64>>| Line { name, class, values };
    vec![
        Chart {
            title: "Answers a second",
            unit: "",
            scale: Scale::Linear,
            style: Style::Stacked,
            lines: vec![
                line("accepted", "good", seconds.counts(|second| second.accepted)),
                line("refused, repeated or no bid", "neutral", seconds.counts(|second| second.other)),
                line("without an answer", "bad", seconds.counts(|second| second.unknown)),
            ],
        },
        Chart {
            title: "Latency of answers, from when they were due",
            unit: "ms",
            scale: Scale::Logarithmic,
            style: Style::Lines,
            lines: vec![line("p50", "neutral", seconds.latency(0.5)), line("p99", "good", seconds.latency(0.99))],
        },
        Chart {
            title: "Events in the outbox",
            unit: "",
            scale: Scale::Linear,
            style: Style::Lines,
            lines: vec![line("length", "good", seconds.outbox(|sample| sample.outbox))],
        },
        Chart {
            title: "Age of the oldest event in the outbox",
            unit: "s",
            scale: Scale::Linear,
            style: Style::Lines,
            lines: vec![line("age", "good", seconds.outbox(|sample| sample.outbox_age_s))],
        },
        Chart {
            title: "From acceptance to the viewer, by when it was seen",
            unit: "ms",
            scale: Scale::Logarithmic,
            style: Style::Lines,
            lines: vec![line("p50", "neutral", seconds.lag(0.5)), line("p99", "good", seconds.lag(0.99))],
        },
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

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
