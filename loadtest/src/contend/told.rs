//! What came of it, in figures, sentences, tables and charts.

mod beside;
mod processors;

use super::sweep::{QUANTILES, Summary, Sweep};
use crate::result::{Axis, Better, Chart, Figure, Line, Mark, Measured, Report, Scale, Style, Table, Trial};
use crate::search::Capacity;
use crate::shown::{or_unknown, percentiles};
use crate::statistics::{interval, median};
use crate::usl::{Fit, RESIDUAL_MAX};

pub(super) fn one_rate(trial: Trial, report: &mut Report) {
    report.measured = Measured { p99_ms: trial.latency.at(0.99), errors_percent: trial.errors_percent() };
    let rate = trial.offered_per_s.unwrap_or_default();
    report.findings.push(format!(
        "Of {rate:.0} bids a second {:.0} were answered and {:.0} accepted, 99 of 100 within {}.",
        trial.answered_per_s,
        trial.accepted_per_s,
        or_unknown(trial.latency.at(0.99), "ms")
    ));
    report.figures.push(Figure::new("p99", trial.latency.at(0.99), "ms", Better::Lower));
    report.charts.push(percentiles("Latency of bids, from when they were due", [&trial]));
    report.trials.push(trial);
}

pub(super) fn sweep(sweep: &Sweep, seed: u64, report: &mut Report) {
    let best = sweep.best();
    let Summary { users, answered_per_s, accepted_per_s, .. } = best;
    let refused = answered_per_s - accepted_per_s;
    report.findings.push(format!(
        "{users} users at once get the most answers: {answered_per_s:.0} bids a second, of which {accepted_per_s:.0} are \
         accepted and {refused:.0} lose a race."
    ));
    let rates: Vec<f64> = sweep
        .points
        .iter()
        .filter(|point| point.users == users)
        .flat_map(|point| &point.trials)
        .map(|trial| trial.answered_per_s)
        .collect();
    let mut highest = Figure::new("Highest rate of a closed loop", answered_per_s, "bids/s", Better::Higher);
    highest.interval = interval(&rates, seed, |drawn| Some(median(drawn.to_vec())));
    report.figures.push(highest);
    report.figures.push(Figure::new("Accepted at that rate", accepted_per_s, "bids/s", Better::Higher));
    let summaries: Vec<Summary> = sweep.points.iter().map(|point| point.summary()).collect();
    report.tables.push(table(&summaries));
    beside::tell(sweep, report);
    processors::tell(sweep, report);
    let fit = fitted(&summaries, report);
    let mut rates = throughput(&summaries, fit.as_ref());
    rates.lines.extend(beside::line(sweep));
    report.charts.push(rates);
    let trials: Vec<Trial> = sweep.points.iter().flat_map(|point| &point.trials).cloned().collect();
    let firsts = sweep.points.iter().filter_map(|point| point.trials.first());
    report.charts.push(percentiles("Latency of bids, closed loop", firsts));
    let errors: u64 = trials.iter().map(Trial::errors).sum();
    let bids: u64 = trials.iter().map(Trial::bids).sum();
    report.measured =
        Measured { p99_ms: best.quantiles[2], errors_percent: errors as f64 * 100.0 / bids.max(1) as f64 };
    report.trials.extend(trials);
}

fn table(summaries: &[Summary]) -> Table {
    let columns = ["users", "answered/s", "least and most", "accepted/s", "p50 ms", "p95", "p99", "p99.9", "failed"];
    let mut table = Table::new("Closed loop: medians of the repeats", &columns);
    for summary in summaries {
        let [low, high] = summary.spread;
        let cells = [
            summary.users.to_string(),
            format!("{:.0}", summary.answered_per_s),
            format!("{low:.0}–{high:.0}"),
            format!("{:.0}", summary.accepted_per_s),
        ];
        let quantiles = summary.quantiles.map(|known| or_unknown(known, ""));
        table.row(cells.into_iter().chain(quantiles).chain([summary.errors.to_string()]));
    }
    table.note = format!(
        "Quantiles ({}) have at least ten answers beyond them, or are not given.",
        QUANTILES.map(|quantile| quantile.to_string()).join(", ")
    );
    table
}

/// The Universal Scalability Law, with what it does not explain.
fn fitted(summaries: &[Summary], report: &mut Report) -> Option<Fit> {
    let points: Vec<_> = summaries.iter().map(|summary| (f64::from(summary.users), summary.answered_per_s)).collect();
    let Some(fit) = Fit::of(&points) else {
        report.findings.push("Too few numbers of users for the Universal Scalability Law.".to_owned());
        return None;
    };
    let mut table = Table::new("Universal Scalability Law", &["users", "measured/s", "by the law", "residual"]);
    for ((users, rate), residual) in points.iter().zip(&fit.residuals) {
        let cells = [
            format!("{users:.0}"),
            format!("{rate:.0}"),
            format!("{:.0}", fit.rate(*users)),
            format!("{:+.0} %", residual * 100.0),
        ];
        table.row(cells);
    }
    let Fit { lambda, sigma, kappa, .. } = fit;
    table.note =
        format!("λ {lambda:.0} bids/s of one user, σ {sigma:.4} (one after another), κ {kappa:.6} (agreement).");
    report.tables.push(table);
    let (largest, most) = (fit.largest_residual() * 100.0, RESIDUAL_MAX * 100.0);
    report.findings.push(match fit.peak() {
        Some(peak) => format!("The Universal Scalability Law, which is off by at most {largest:.1} %, has its peak at {peak:.0} users."),
        None if largest > most => format!(
            "The Universal Scalability Law does not hold: it is off by up to {largest:.1} %, more than {most:.0} %, so it is \
             asked for no peak."
        ),
        None => format!("The Universal Scalability Law, which is off by at most {largest:.1} %, has no peak."),
    });
    Some(fit)
}

fn throughput(summaries: &[Summary], fit: Option<&Fit>) -> Chart {
    let line = |name, rate: fn(&Summary) -> f64| {
        Line::new(name, summaries.iter().map(|summary| (f64::from(summary.users), rate(summary))))
    };
    let mut lines =
        vec![line("answered", |summary| summary.answered_per_s), line("accepted", |summary| summary.accepted_per_s)];
    if let Some(fit) = fit {
        let curve = summaries.iter().map(|summary| (f64::from(summary.users), fit.rate(summary.users.into())));
        lines.push(Line::reference("by the law", curve));
    }
    Chart::new(
        "Bids a second on one item, closed loop",
        Axis::new("users at once", Scale::Logarithmic),
        Axis::new("bids/s", Scale::Linear),
        lines,
    )
}

pub(super) fn capacity(capacity: Capacity, promise_ms: f64, report: &mut Report) {
    let Capacity { rate, confirmations, trials, repeated } = capacity;
    let words = match rate {
        Some(rate) => {
            format!("{rate:.0} bids a second can be offered, and 99 of 100 are answered within {promise_ms} ms.")
        }
        None => format!("No rate was confirmed at which 99 of 100 bids are answered within {promise_ms} ms."),
    };
    report.findings.push(words);
    let name = format!("Capacity at a p99 of {promise_ms} ms");
    report.figures.push(Figure::new(name, rate, "bids/s", Better::Higher));
    let mut table =
        Table::new("Capacity: repeats around the edge", &["bids/s offered", "kept", "p99 ms, least to most"]);
    for confirmation in &confirmations {
        let name = format!("{:.3}", confirmation.rate);
        let at_rate =
            trials.iter().filter(|trial| trial.offered_per_s.is_some_and(|rate| format!("{rate:.3}") == name));
        let p99s: Vec<f64> = at_rate.filter_map(|trial| trial.latency.at(0.99)).collect();
        let (low, high) = (p99s.iter().copied().reduce(f64::min), p99s.iter().copied().reduce(f64::max));
        table.row([
            format!("{:.0}", confirmation.rate),
            format!("{} of {}", confirmation.kept, confirmation.repeats),
            format!("{}–{}", or_unknown(low, ""), or_unknown(high, "")),
        ]);
    }
    table.note = format!(
        "Kept: p99 within {promise_ms} ms from when bids were due, at most 1 % failed, at least 98 % of what was offered \
         answered in time. The capacity is the highest rate that four of five repeats keep. Invalid trials that came again: {repeated}."
    );
    report.tables.push(table);
    let at_capacity = |trial: &&Trial| rate.is_some() && trial.offered_per_s == rate;
    let chosen: Vec<&Trial> = trials.iter().filter(at_capacity).collect();
    if !chosen.is_empty() {
        report.charts.push(percentiles(
            "Latency of bids at capacity, open loop, from when they were due",
            chosen.iter().copied(),
        ));
        let p99s: Vec<f64> = chosen.iter().filter_map(|trial| trial.latency.at(0.99)).collect();
        report.measured.p99_ms = (!p99s.is_empty()).then(|| median(p99s));
    }
    report.parameters.insert("promise_ms".to_owned(), promise_ms.into());
    report.trials.extend(trials);
}

pub(super) fn throughput_against_latency(report: &mut Report) {
    let points = |is_open: bool| {
        let of_kind = report.trials.iter().filter(move |trial| trial.offered_per_s.is_some() == is_open);
        let mut points: Vec<(f64, f64)> =
            of_kind.filter_map(|trial| Some((trial.answered_per_s, trial.latency.at(0.99)?))).collect();
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        points
    };
    let promise = report.parameters.get("promise_ms").and_then(serde_json::Value::as_f64);
    let marks = promise.map(|at| Mark { name: format!("{at} ms"), at }).into_iter().collect();
    let open = Line { style: Style::Points, ..Line::new("open loop", points(true)) };
    let lines = vec![Line::new("closed loop", points(false)), open];
    report.charts.push(Chart {
        marks,
        ..Chart::new(
            "Throughput against latency: every trial",
            Axis::new("bids/s answered", Scale::Linear),
            Axis::new("p99 ms", Scale::Logarithmic),
            lines.into_iter().filter(|line| !line.points.is_empty()).collect(),
        )
    });
}
