//! One page of result files, and of nothing else: each number on it is in one of them.

mod comparison;
mod section;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use self::comparison::comparison;
use crate::chart::{self, escaped};
use crate::result::{Check, Report};

#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Result files, or folders of them
    #[arg(default_value = ".local/experiments")]
    results: Vec<PathBuf>,
    /// Results of another run, to be compared with
    #[arg(long, value_name = "PATH")]
    against: Vec<PathBuf>,
    /// The page; beside the first result otherwise
    #[arg(long)]
    out: Option<PathBuf>,
}

const PAGE: &str = include_str!("report/page.html");

/// As the guide has them.
const ORDER: [&str; 6] = ["contend", "fanout", "resilience", "coldwarm", "mixed", "stress"];

#[expect(clippy::print_stdout, reason = "where the page is, is the command's output")]
pub fn run(arguments: &Arguments) -> Result<()> {
    let reports = read(&arguments.results)?;
    ensure!(!reports.is_empty(), "there are no results in {:?}: run an experiment first", arguments.results);
    let others = read(&arguments.against)?;
    let out = arguments.out.clone().or_else(|| Some(reports.first()?.0.with_file_name("report.html")));
    let out = out.context("no place for the page")?;
    fs::write(&out, page(&reports, &others)).with_context(|| format!("cannot write {}", out.display()))?;
    println!("{}", out.display());
    Ok(())
}

/// The results with their files, in order.
fn read(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Report)>> {
    let mut reports = Vec::new();
    for path in paths {
        for file in files(path)? {
            reports.push((file.clone(), Report::read(&file)?));
        }
    }
    let place = |report: &Report| ORDER.iter().position(|name| *name == report.experiment).unwrap_or(ORDER.len());
    reports.sort_by_key(|(path, report)| (place(report), path.clone()));
    Ok(reports)
}

fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let entries = fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    let files = entries.flatten().map(|entry| entry.path());
    Ok(files.filter(|file| file.extension().is_some_and(|extension| extension == "json")).collect())
}

fn page(reports: &[(PathBuf, Report)], others: &[(PathBuf, Report)]) -> String {
    let sections: String = reports.iter().map(|(path, report)| section::section(path, report)).collect();
    PAGE.replace("{{style}}", chart::STYLE)
        .replace("{{summary}}", &summary(reports))
        .replace("{{comparison}}", &comparison(reports, others))
        .replace("{{sections}}", &sections)
}

/// A line for each experiment.
fn summary(reports: &[(PathBuf, Report)]) -> String {
    let row = |(_, report): &(PathBuf, Report)| {
        let Report { experiment, question, .. } = report;
        format!(
            r##"<tr><td><a href="#{experiment}">{experiment}</a></td><td>{}</td><td>{}</td><td>{}</td></tr>"##,
            escaped(question),
            validity(report),
            check(report)
        )
    };
    let rows: String = reports.iter().map(row).collect();
    format!(
        r#"<div class="scroll"><table class="words summary"><tr><th>experiment</th><th>question</th><th>measurement</th><th>promises</th></tr>{rows}</table></div>"#
    )
}

fn validity(report: &Report) -> &'static str {
    match report.validity.is_valid() {
        true => r#"<span class="good">valid</span>"#,
        false => r#"<span class="wrong">invalid</span>"#,
    }
}

fn check(report: &Report) -> &'static str {
    match report.check {
        Check::Kept { .. } => r#"<span class="good">kept</span>"#,
        Check::Broken { .. } => r#"<span class="wrong">broken</span>"#,
        Check::Not(_) => "not checked",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Axis, Better, Chart, Figure, Line, Scale, Table};

    fn report(value: f64, interval: Option<[f64; 2]>) -> Report {
        let mut report = Report::new("contend", "How many <bids>?", 1);
        report.figures = vec![Figure { interval, ..Figure::new("Rate", value, "bids/s", Better::Higher) }];
        let axis = || Axis::new("n", Scale::Linear);
        report.charts = vec![Chart::new("Rate", axis(), axis(), vec![Line::new("a", [(1.0, 2.0), (2.0, 3.0)])])];
        let mut table = Table::new("Rates", &["users", "rate"]);
        table.row(["<1>".to_owned(), "2".to_owned()]);
        report.tables = vec![table];
        report
    }

    #[test]
    fn a_page_has_all_of_a_result_and_nothing_of_it_is_taken_for_html() {
        let html = page(&[(PathBuf::from("contend.json"), report(5.0, None))], &[]);
        for part in ["How many &lt;bids&gt;?", "&lt;1&gt;", "<svg", "contend.json", "Rate"] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("{{") && !html.contains("<bids>"), "{html}");
        assert!(!html.contains("src=") && !html.contains("<link") && !html.contains("http://"), "it stands by itself");
    }

    #[test]
    fn two_runs_differ_for_certain_only_where_their_intervals_do() {
        let compared = |before: Report, now: Report| comparison(&[(PathBuf::new(), now)], &[(PathBuf::new(), before)]);
        let apart = compared(report(5.0, Some([4.0, 6.0])), report(9.0, Some([8.0, 10.0])));
        assert!(apart.contains("better"), "{apart}");
        let close = compared(report(5.0, Some([4.0, 6.0])), report(5.5, Some([5.0, 7.0])));
        assert!(close.contains("no certain difference"), "{close}");
        let unknown = compared(report(5.0, None), report(9.0, None));
        assert!(unknown.contains("cannot be told"), "{unknown}");
    }
}
