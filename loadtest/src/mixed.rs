//! The general load: visitors of several items, who look more often than they bid.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::conclude::{conclude, count_invalid};
use crate::generator::{self, Plan};
use crate::load::{Load, Mix, Rate, Users};
use crate::options::Options;
use crate::result::{
    Axis, Better, Chart, Distribution, Figure, Line, Measured, Report, Scale, Second, Style, Table, Trial,
};
use crate::shown::{or_unknown, percentiles};
use crate::stage::Stage;

#[derive(Clone, Debug, clap::Args)]
#[command(after_help = crate::options::EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    options: Options,
    /// Requests a second, each when it is due, whatever became of the others
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// Grows evenly from this rate to the other
    #[arg(long, value_name = "RATE")]
    ramp_from: Option<f64>,
    /// Users in place of a rate: each waits for an answer, and thinks, before the next question
    #[arg(long)]
    users: Option<u32>,
    /// How long a user thinks, on average
    #[arg(long, value_name = "MS", default_value_t = 1_000)]
    think: u64,
    /// Users come evenly over this time
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    ramp: f64,
    #[arg(long, default_value_t = 10)]
    items: u32,
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
}

const QUESTION: &str = "How soon are visitors answered who look more often than they bid?";

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments { options, rate, ramp_from, users, think, ramp, items, seconds } = arguments;
    ensure!(*rate > 0.0 && *seconds > 0.0 && *items > 0 && *users != Some(0), "nothing to measure");
    let mut report = Report::new("mixed", QUESTION, options.seed);
    report.parameters.insert("items".to_owned(), (*items).into());
    let mut stage = Stage::set(options, "mixed").await?;
    let users =
        users.map(|count| Users { count, arrive_within: (ramp * 1e6) as u64, think: Duration::from_millis(*think) });
    let name = users.map_or_else(|| format!("{rate:.0}/s"), |users| format!("{} users", users.count));
    let load = Load {
        rate: ramp_from.map_or(Rate::Constant(*rate), |from| Rate::Ramp { from, to: *rate }),
        burst: 0,
        items: stage.fresh_items(*items),
        mix: Mix::VISITORS,
        begins: 0,
        lasts: (seconds * 1e6) as u64,
        seed: options.seed,
    };
    let trial = generator::run(Plan { name, load, users }, &stage, None).await?;
    tell(&trial, &mut report);
    report.trials.push(trial);
    count_invalid(&mut report);
    stage.strike(&mut report).await?;
    conclude(options, &report)
}

fn tell(trial: &Trial, report: &mut Report) {
    report.measured = Measured { p99_ms: trial.latency.at(0.99), errors_percent: trial.errors_percent() };
    report.findings.push(format!(
        "{} looks and {} bids, {} of them accepted, in {:.0} s; {} failed. 99 of 100 looks were answered within {}, bids within {}.",
        trial.looks,
        trial.bids(),
        trial.accepted.count,
        trial.seconds,
        trial.errors(),
        or_unknown(trial.look_latency.at(0.99), "ms"),
        or_unknown(trial.latency.at(0.99), "ms"),
    ));
    report.figures.push(Figure::new("p99 of bids", trial.latency.at(0.99), "ms", Better::Lower));
    report.figures.push(Figure::new("p99 of looks", trial.look_latency.at(0.99), "ms", Better::Lower));
    report.figures.push(Figure::new("Failed requests", trial.errors_percent(), "%", Better::Lower));
    let mut table = Table::new("Requests", &["", "answered", "p50 ms", "p95", "p99", "p99.9", "max"]);
    for (name, latency) in
        [("looks", &trial.look_latency), ("bids", &trial.latency), ("accepted bids", &trial.accepted)]
    {
        let Distribution { count, max_ms, .. } = latency;
        let quantiles = [0.5, 0.95, 0.99, 0.999].map(|quantile| or_unknown(latency.at(quantile), ""));
        let ends = or_unknown((*count > 0).then_some(*max_ms), "");
        table.row([name.to_owned(), count.to_string()].into_iter().chain(quantiles).chain([ends]));
    }
    report.tables.push(table);
    report.charts.extend(over_time(trial));
    report.charts.push(percentiles("Latency of bids, from when they were due", [trial]));
}

/// Bids second by second.
pub(crate) fn over_time(trial: &Trial) -> [Chart; 2] {
    let line = |name: &str, of: fn(&Second) -> Option<f64>| {
        let points = trial.timeline.iter().enumerate().map(|(second, row)| (second as f64 + 0.5, of(row)));
        Line { name: name.to_owned(), points: points.collect(), style: Style::Line }
    };
    let seconds = || Axis::new("s", Scale::Linear);
    let answers = vec![
        line("accepted", |second| Some(second.accepted as f64)),
        line("refused", |second| Some(second.other as f64)),
        line("failed", |second| Some(second.failed as f64)),
    ];
    let latency = vec![line("p99", |second| second.p99_ms), line("p50", |second| second.p50_ms)];
    [
        Chart {
            is_stacked: true,
            ..Chart::new("Bids answered, second by second", seconds(), Axis::new("bids/s", Scale::Linear), answers)
        },
        Chart::new("Latency of bids, second by second", seconds(), Axis::new("ms", Scale::Logarithmic), latency),
    ]
}
