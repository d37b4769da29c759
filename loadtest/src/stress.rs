//! The breaking point: an open loop that grows until answers fail or come too late, and whether all is well after that.

use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::conclude::{conclude, count_invalid};
use crate::generator::{self, Plan};
use crate::load::{Load, Mix, Rate};
use crate::options::Options;
use crate::result::{Axis, Better, Chart, Figure, Line, Mark, Measured, Report, Scale, Table, Trial};
use crate::search::{Promise, again_if_invalid};
use crate::shown::or_unknown;
use crate::stage::Stage;

#[derive(Clone, Debug, clap::Args)]
#[command(after_help = crate::options::EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    options: Options,
    /// The first rate, in bids a second
    #[arg(long, default_value_t = 500.0)]
    from: f64,
    /// How many times as much comes in each next step
    #[arg(long, default_value_t = 1.4)]
    growth: f64,
    /// How long each step lasts
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// It breaks when 99 of 100 bids are no longer answered within this time, when more than 1 % fail, or when fewer than
    /// 98 % are answered in time
    #[arg(long, value_name = "MS", default_value_t = 100.0)]
    promise: f64,
    #[arg(long, default_value_t = 20)]
    items: u32,
    /// Steps, if it never breaks
    #[arg(long, default_value_t = 20)]
    steps: u32,
}

const QUESTION: &str = "At which rate does it break, and is all well after that?";

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments { options, from, growth, seconds, promise, steps, .. } = arguments;
    ensure!(*from > 0.0 && *growth > 1.0 && *seconds > 0.0 && *steps > 0, "nothing to measure");
    let mut report = Report::new("stress", QUESTION, options.seed);
    let mut stage = Stage::set(options, "stress").await?;
    let kept = Promise::of(*promise);
    let (mut trials, mut rate): (Vec<Trial>, f64) = (Vec::new(), *from);
    let (mut broken, mut repeated) = (None, 0);
    for step in 0..*steps {
        let name = format!("step {}, {rate:.0}/s", step + 1);
        let rested = async || {
            stage.rest().await;
            offer(arguments, &mut stage, name.clone(), rate).await
        };
        let (trial, before) = again_if_invalid(rested).await?;
        repeated += before;
        let is_kept = kept.is_kept(&trial);
        trials.push(trial);
        if !is_kept {
            broken = Some(rate);
            break;
        }
        rate *= growth;
    }
    let name = format!("afterwards, {from:.0}/s");
    // At once, and not again: this is about what the last step leaves behind.
    let after = offer(arguments, &mut stage, name, *from).await?;
    report.parameters.insert("promise_ms".to_owned(), (*promise).into());
    tell(&Steps { trials: &trials, broken, repeated }, &after, &kept, &mut report);
    report.trials = trials;
    report.trials.push(after);
    count_invalid(&mut report);
    stage.strike(&mut report).await?;
    conclude(options, &report)
}

async fn offer(arguments: &Arguments, stage: &mut Stage, name: String, rate: f64) -> Result<Trial> {
    let items = stage.fresh_items(arguments.items);
    let seed = arguments.options.seed.wrapping_mul(1_000_003).wrapping_add(items.first.into());
    let lasts = (arguments.seconds * 1e6) as u64;
    let load = Load { rate: Rate::Constant(rate), burst: 0, items, mix: Mix::RISING, begins: 0, lasts, seed };
    generator::run(Plan { name, load, users: None }, stage, None).await
}

struct Steps<'a> {
    trials: &'a [Trial],
    /// The rate of the last one, if it broke.
    broken: Option<f64>,
    /// Invalid ones that came again.
    repeated: u32,
}

fn tell(steps: &Steps<'_>, after: &Trial, promise: &Promise, report: &mut Report) {
    let Steps { trials, broken, repeated } = *steps;
    let last_kept = trials.iter().rev().find(|trial| promise.is_kept(trial)).and_then(|trial| trial.offered_per_s);
    report.findings.push(match (last_kept, broken) {
        (Some(kept), Some(broken)) => format!("{kept:.0} bids a second are answered as promised, {broken:.0} are not."),
        (None, _) => "Not even the first rate is answered as promised.".to_owned(),
        (Some(kept), None) => {
            format!("It did not break: {kept:.0} bids a second, the last step, are answered as promised.")
        }
    });
    report.findings.push(format!(
        "Afterwards, at the first rate: p99 {}, {} failed, {}.",
        or_unknown(after.latency.at(0.99), "ms"),
        after.errors(),
        if promise.is_kept(after) { "as promised" } else { "NOT as promised" }
    ));
    report.figures.push(Figure::new("Highest rate as promised", last_kept, "bids/s", Better::Higher));
    report.measured = Measured { p99_ms: after.latency.at(0.99), errors_percent: after.errors_percent() };
    let columns =
        ["step", "offered/s", "answered/s", "failed", "not sent", "p50 ms", "p99", "generator busy", "as promised"];
    let mut table = Table::new("Steps", &columns);
    for trial in trials.iter().chain([after]) {
        table.row([
            trial.name.clone(),
            format!("{:.0}", trial.offered_per_s.unwrap_or_default()),
            format!("{:.0}", trial.answered_per_s),
            (trial.errors() - trial.unsent).to_string(),
            trial.unsent.to_string(),
            or_unknown(trial.latency.at(0.5), ""),
            or_unknown(trial.latency.at(0.99), ""),
            format!("{:.0} %", trial.generator * 100.0),
            if promise.is_kept(trial) { "yes" } else { "no" }.to_owned(),
        ]);
    }
    table.note = format!("Invalid trials that came again: {repeated}.");
    report.tables.push(table);
    let line = |name: &str, of: fn(&Trial) -> Option<f64>| {
        Line::new(name, trials.iter().filter_map(|trial| Some((trial.offered_per_s?, of(trial)?))).collect::<Vec<_>>())
    };
    let offered = || Axis::new("bids/s offered", Scale::Linear);
    let answered = vec![line("answered", |trial| Some(trial.answered_per_s))];
    report.charts.push(Chart::new(
        "Answered of what is offered",
        offered(),
        Axis::new("bids/s", Scale::Linear),
        answered,
    ));
    let latency = vec![line("p99", |trial| trial.latency.at(0.99)), line("p50", |trial| trial.latency.at(0.5))];
    let marks = vec![Mark { name: format!("{} ms", promise.p99_ms), at: promise.p99_ms }];
    let chart = Chart::new("Latency of what is offered", offered(), Axis::new("ms", Scale::Logarithmic), latency);
    report.charts.push(Chart { marks, ..chart });
}
