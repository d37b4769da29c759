//! What came of it, in figures, sentences, tables and charts.

mod charts;
mod tables;

use super::arm::Arm;
use super::cost::{self, Cost};
use super::pairs::{lost_share, mean_latency_ms, pairs, steady_after_ms};
use super::run::{Bid, Run};
use super::{Arguments, PAIRS_MIN};
use crate::reports::Invocation;
use crate::result::{Better, Distribution, Figure, Measured, Report};
use crate::shown::{digits, or_unknown};
use crate::statistics::{interval, median};
use crate::verify::Latency;

pub(super) fn tell(arguments: &Arguments, runs: &[Run], invocations: &[(Arm, Vec<Invocation>)], report: &mut Report) {
    for (name, value) in [
        ("pairs", arguments.pairs.into()),
        ("bids_per_s", arguments.rate.into()),
        ("burst", arguments.burst.into()),
        ("trial_seconds", arguments.seconds.into()),
        ("provisioned", arguments.provisioned.into()),
        ("concurrency", arguments.concurrency.into()),
        ("sandboxes_max", arguments.sandboxes.into()),
        ("queue_max", arguments.queue.into()),
    ] {
        report.parameters.insert(name.to_owned(), value);
    }
    if arguments.pairs < PAIRS_MIN {
        report.findings.push(format!("Fewer than {PAIRS_MIN} pairs: intervals of so few say little."));
    }
    let all = || runs.iter().flat_map(|run| &run.requests);
    let errors = all().filter(|bid| bid.class.is_error()).count();
    let p99_ms = distribution(all()).at(0.99);
    report.measured = Measured { p99_ms, errors_percent: errors as f64 * 100.0 / all().count().max(1) as f64 };
    starts(runs, invocations, report);
    for arm in [Arm::Cold, Arm::Provisioned, Arm::Concurrent] {
        beside_warm(arm, runs, arguments, report);
    }
    report.tables.push(tables::by_class(runs));
    report.tables.push(tables::outcomes(runs));
    report.tables.push(tables::phases(runs, invocations));
    report.tables.push(tables::steady(runs, lasts_us(arguments), report.seed));
    let trial_s = runs.iter().filter(|run| run.arm == Arm::Provisioned).count() as f64 * arguments.seconds;
    let cost = |(arm, invocations): &(Arm, Vec<Invocation>)| {
        let kept_ready = (*arm == Arm::Provisioned).then_some((arguments.provisioned, trial_s));
        (*arm, Cost::of(invocations, kept_ready))
    };
    report.tables.push(cost::table(&invocations.iter().map(cost).collect::<Vec<_>>()));
    report.tables.push(cost::price_table());
    report.charts.extend(charts::all(runs, invocations, arguments.seconds));
}

fn lasts_us(arguments: &Arguments) -> u64 {
    (arguments.seconds * 1e6) as u64
}

/// Latencies from when bids were due.
fn distribution<'a>(bids: impl Iterator<Item = &'a Bid>) -> Distribution {
    of_values(bids.map(|bid| bid.latency))
}

/// Of microseconds.
fn of_values(values: impl Iterator<Item = u64>) -> Distribution {
    let mut histogram = Latency::histogram(3);
    values.for_each(|value| histogram.saturating_record(value.max(1)));
    Distribution::of(&histogram)
}

fn of_arm(runs: &[Run], arm: Arm) -> impl Iterator<Item = &Bid> {
    runs.iter().filter(move |run| run.arm == arm).flat_map(|run| &run.requests)
}

fn starts(runs: &[Run], invocations: &[(Arm, Vec<Invocation>)], report: &mut Report) {
    let cold = || of_arm(runs, Arm::Cold).filter(|bid| bid.is_cold == Some(true));
    let warm = || of_arm(runs, Arm::Warm).filter(|bid| bid.is_cold == Some(false));
    let (cold_ms, warm_ms) = (distribution(cold()), distribution(warm()));
    report.findings.push(format!(
        "{} bids met a cold start and {} a warm sandbox: answered within {} and {} in the middle.",
        cold_ms.count,
        warm_ms.count,
        or_unknown(cold_ms.at(0.5), "ms"),
        or_unknown(warm_ms.at(0.5), "ms"),
    ));
    report.figures.push(Figure::new("Cold answer, p50", cold_ms.at(0.5), "ms", Better::Lower));
    report.figures.push(Figure::new("Warm answer, p50", warm_ms.at(0.5), "ms", Better::Lower));
    let inits: Vec<u64> = invocations
        .iter()
        .filter(|(arm, _)| *arm == Arm::Cold)
        .flat_map(|(_, all)| all)
        .filter_map(|one| Some((one.metrics.init_duration_ms? * 1_000.0) as u64))
        .collect();
    let init = of_values(inits.into_iter());
    report.figures.push(Figure::new("Initialisation, p50", init.at(0.5), "ms", Better::Lower));
    if let (Some(cold), Some(warm)) = (lost_share(cold()), lost_share(warm())) {
        report.findings.push(format!(
            "Of bids that met a cold start {:.0} % lost a race, of those that met a warm sandbox {:.0} %.",
            cold * 100.0,
            warm * 100.0
        ));
    }
}

/// One way beside warm sandboxes with the same bids.
fn beside_warm(arm: Arm, runs: &[Run], arguments: &Arguments, report: &mut Report) {
    let pairs = pairs(runs, arm);
    if pairs.is_empty() {
        return;
    }
    let seed = report.seed;
    let mut compare = |what: &str, unit: &str, of: &dyn Fn(&Run) -> Option<f64>| {
        let differences: Vec<f64> = pairs.iter().filter_map(|(own, warm)| Some(of(own)? - of(warm)?)).collect();
        if differences.is_empty() {
            return;
        }
        let mut figure =
            Figure::new(format!("{}: {what} above warm", arm.name()), median(differences.clone()), unit, Better::Lower);
        figure.interval = interval(&differences, seed, |drawn| Some(median(drawn.to_vec())));
        let middle = figure.value.map_or_else(String::new, digits);
        let words = match figure.interval {
            Some([low, high]) if low > 0.0 => {
                format!("more by {middle} {unit} (95 % interval {} to {})", digits(low), digits(high))
            }
            Some([low, high]) if high < 0.0 => format!(
                "less by {} {unit} (95 % interval {} to {})",
                digits(-figure.value.unwrap_or_default()),
                digits(low),
                digits(high)
            ),
            Some([low, high]) => {
                format!("no certain difference: {middle} {unit} (95 % interval {} to {})", digits(low), digits(high))
            }
            None => format!("{middle} {unit}, of too few pairs for an interval"),
        };
        report.findings.push(format!("{} against warm sandboxes, {what}: {words}.", arm.name()));
        report.figures.push(figure);
    };
    compare("mean latency", "ms", &mean_latency_ms);
    compare("bids that lost a race", "points of %", &|run| Some(lost_share(&run.requests)? * 100.0));
    let steady: Vec<Option<f64>> =
        pairs.iter().map(|(own, warm)| steady_after_ms(own, warm, lasts_us(arguments))).collect();
    let reached: Vec<f64> = steady.iter().flatten().copied().collect();
    report.findings.push(match reached.is_empty() {
        true => format!("{}: as steady as warm sandboxes in none of {} pairs.", arm.name(), steady.len()),
        false => format!(
            "{}: as steady as warm sandboxes in {} of {} pairs, there after {} ms in the middle.",
            arm.name(),
            reached.len(),
            steady.len(),
            digits(median(reached))
        ),
    });
}
