//! What is printed of it.
#![expect(clippy::print_stdout, reason = "the report is the command's output")]

use super::{Measured, WAYS};
use crate::statistics::median;

/// What takes processor time: the clients, the stores, `api`, what plays Lambda, and the functions.
const PARTS: [(&str, &[&str]); 5] = [
    ("clients", &["loadtest"]),
    ("stores", &["redis-server", "nats-server"]),
    ("api", &["api"]),
    ("emulator", &["local", "cargo-lambda"]),
    ("function", &["place-bid"]),
];
/// The one that differs between ways with functions: those are the same program.
const EMULATOR: usize = 3;

pub(super) fn report(clients: usize, measured: &[Measured]) {
    println!("\n{clients} clients, closed loop; latency in milliseconds");
    println!("{:<20} {:>8} {:>8} {:>8} {:>8} {:>8} {:>14}", "", "bids/s", "mean", "p50", "p99", "max", "mean above");
    for (way, one) in WAYS.iter().zip(measured) {
        let quantile = |quantile| one.all.value_at_quantile(quantile) as f64 / 1_000.0;
        println!(
            "{:<20} {:>8.0} {:>8.3} {:>8.3} {:>8.3} {:>8.3} {:>14.3}",
            way.name,
            clients as f64 * 1e6 / one.all.mean(),
            one.all.mean() / 1_000.0,
            quantile(0.5),
            quantile(0.99),
            one.all.max() as f64 / 1_000.0,
            median(added(one, measured)) / 1_000.0,
        );
    }
    println!("processor time of a bid, microseconds");
    println!("{:<20} {}", "", PARTS.map(|(name, _)| format!("{name:>9}")).join(""));
    for (way, one) in WAYS.iter().zip(measured) {
        println!("{:<20} {}", way.name, parts(one).map(|us| format!("{us:>9.0}")).join(""));
    }
    let Some((watch, [process, sandboxes @ ..])) = measured.split_last() else { return };
    println!("what is added to one process, to what cargo lambda watch adds");
    for (way, one) in WAYS.iter().skip(1).zip(sandboxes) {
        let ratios = added(one, measured).into_iter().zip(added(watch, measured)).map(|(one, watch)| one / watch);
        let above = |one| parts(one).iter().sum::<f64>() - parts(process).iter().sum::<f64>();
        let emulator = parts(one)[EMULATOR];
        println!(
            "{:<20} latency {:.2} (median of the rounds), processor time {:.2}; emulator to emulator {:.2}; with an emulator that \
             takes nothing {:.2}",
            way.name,
            median(ratios.collect()),
            above(one) / above(watch),
            emulator / parts(watch)[EMULATOR],
            (above(one) - emulator) / above(watch),
        );
    }
}

/// To the mean of each round, in microseconds.
fn added(one: &Measured, measured: &[Measured]) -> Vec<f64> {
    one.round_means.iter().zip(&measured[0].round_means).map(|(one, process)| one - process).collect()
}

/// Processor time of a bid in each of the [`PARTS`], in microseconds.
fn parts(one: &Measured) -> [f64; PARTS.len()] {
    let each = one.taken.us_each(one.all.len());
    PARTS.map(|(_, programs)| programs.iter().filter_map(|&program| each.get(program)).sum())
}
