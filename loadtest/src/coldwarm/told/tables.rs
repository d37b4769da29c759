//! The tables.

use std::collections::BTreeMap;

use super::{distribution, of_arm, of_values};
use crate::class::Class;
use crate::coldwarm::arm::Arm;
use crate::coldwarm::pairs::{AS_GOOD, WINDOW_US, WINDOWS, lost_share, pairs, steady_after_ms};
use crate::coldwarm::run::{Bid, Run};
use crate::reports::Invocation;
use crate::result::Table;
use crate::shown::{digits, or_unknown};
use crate::statistics::{interval, median, share_interval};

const KINDS: [(&str, Option<bool>); 3] = [("cold start", Some(true)), ("warm", Some(false)), ("no sandbox", None)];

/// Latency, races and staleness by what a bid met.
pub(super) fn by_class(runs: &[Run]) -> Table {
    let columns = ["sandboxes", "met", "bids", "p50 ms", "p95", "p99", "first byte p50", "lost a race", "stale by"];
    let mut table = Table::new("What bids met, by the headers of their answers", &columns);
    for arm in Arm::ALL {
        for (name, kind) in KINDS {
            let bids = || of_arm(runs, arm).filter(move |bid| bid.is_cold == kind);
            let latency = distribution(bids());
            if latency.count == 0 {
                continue;
            }
            let lost = bids().filter(|bid| bid.class == Class::LostRace).count() as u64;
            let raced = lost + bids().filter(|bid| bid.class == Class::Accepted).count() as u64;
            let share = lost_share(bids()).zip(share_interval(lost, raced));
            let share = share
                .map(|(share, [low, high])| format!("{:.0} % ({:.0}–{:.0})", share * 100.0, low * 100.0, high * 100.0));
            table.row([
                arm.name().to_owned(),
                name.to_owned(),
                latency.count.to_string(),
                or_unknown(latency.at(0.5), ""),
                or_unknown(latency.at(0.95), ""),
                or_unknown(latency.at(0.99), ""),
                or_unknown(of_values(bids().map(|bid| bid.first_byte)).at(0.5), ""),
                share.unwrap_or_else(|| "n/a".to_owned()),
                staleness(bids()),
            ]);
        }
    }
    table.note = "Latency from when a bid was due, first byte from when it was sent. A quantile needs ten samples beyond it. \
                  Lost: of those that could win, with Wilson's 95 % interval. Stale: how many bids, on average, were accepted \
                  between what the bidder knew and its verdict."
        .to_owned();
    table
}

fn staleness<'a>(bids: impl Iterator<Item = &'a Bid>) -> String {
    let known: Vec<u64> = bids.filter_map(|bid| bid.staleness).collect();
    match known.len() {
        0 => "n/a".to_owned(),
        count => digits(known.iter().sum::<u64>() as f64 / count as f64),
    }
}

/// Outcomes by way.
pub(super) fn outcomes(runs: &[Run]) -> Table {
    let classes = [Class::Accepted, Class::LostRace, Class::TooLow, Class::Throttled, Class::Failed];
    let columns: Vec<String> =
        ["sandboxes", "bids"].map(str::to_owned).into_iter().chain(classes.map(|class| class.to_string())).collect();
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new("Outcomes", &names);
    for arm in Arm::ALL {
        let mut counts: BTreeMap<Class, u64> = BTreeMap::new();
        of_arm(runs, arm).for_each(|bid| *counts.entry(bid.class).or_default() += 1);
        let cells = classes.map(|class| counts.get(&class).copied().unwrap_or_default().to_string());
        table.row([arm.name().to_owned(), of_arm(runs, arm).count().to_string()].into_iter().chain(cells));
    }
    table
}

/// Where the time of a bid goes, on average: what adds up.
pub(super) struct Phases {
    pub(super) start: f64,
    pub(super) queue: f64,
    pub(super) handler: f64,
    pub(super) rest: f64,
    pub(super) count: usize,
}

impl Phases {
    pub(super) fn of(runs: &[Run], arm: Arm, is_cold: bool, invocations: &[(Arm, Vec<Invocation>)]) -> Option<Self> {
        let of_arm_reports = invocations.iter().filter(|(of, _)| *of == arm).flat_map(|(_, all)| all);
        let reported: Vec<&Invocation> = of_arm_reports.filter(|one| one.cold_start == is_cold).collect();
        let seen: Vec<f64> = of_arm(runs, arm)
            .filter(|bid| bid.is_cold == Some(is_cold))
            .map(|bid| bid.first_byte as f64 / 1_000.0)
            .collect();
        if reported.is_empty() || seen.is_empty() {
            return None;
        }
        let mean =
            |of: &dyn Fn(&Invocation) -> f64| reported.iter().map(|one| of(one)).sum::<f64>() / reported.len() as f64;
        let start = mean(&|one| if is_cold { one.metrics.init_duration_ms.unwrap_or_default() } else { 0.0 });
        let waited = mean(&|one| one.waited_ms);
        let handler = mean(&|one| one.metrics.duration_ms);
        let whole = seen.iter().sum::<f64>() / seen.len() as f64;
        let queue = (waited - start).max(0.0);
        Some(Self { start, queue, handler, rest: (whole - start - queue - handler).max(0.0), count: seen.len() })
    }
}

pub(super) fn phases(runs: &[Run], invocations: &[(Arm, Vec<Invocation>)]) -> Table {
    let columns = ["sandboxes", "met", "bids", "initialisation ms", "waiting", "handler", "on the way", "first byte"];
    let mut table = Table::new("Where the time goes, on average", &columns);
    for arm in Arm::ALL {
        for (name, is_cold) in [("cold start", true), ("warm", false)] {
            let Some(phases) = Phases::of(runs, arm, is_cold, invocations) else { continue };
            let Phases { start, queue, handler, rest, count } = phases;
            let parts = [start, queue, handler, rest, start + queue + handler + rest];
            table.row([arm.name().to_owned(), name.to_owned(), count.to_string()].into_iter().chain(parts.map(digits)));
        }
    }
    table.note = "Initialisation, waiting and handler as the sandboxes' reports have them, warm-up included; on the way is what \
                  is left of what the bidder saw. Several starts at once share the processors of this machine."
        .to_owned();
    table
}

pub(super) fn steady(runs: &[Run], lasts_us: u64, seed: u64) -> Table {
    let mut table = Table::new("Time to steady state", &["sandboxes", "reached", "median ms", "95 % interval"]);
    for arm in [Arm::Cold, Arm::Provisioned, Arm::Concurrent] {
        let found: Vec<Option<f64>> =
            pairs(runs, arm).iter().map(|(own, warm)| steady_after_ms(own, warm, lasts_us)).collect();
        let reached: Vec<f64> = found.iter().flatten().copied().collect();
        // A pair that never was steady counts as later than all others.
        let middle = |drawn: &[Option<f64>]| {
            let value = median(drawn.iter().map(|one| one.unwrap_or(f64::INFINITY)).collect());
            value.is_finite().then_some(value)
        };
        let interval = interval(&found, seed, middle);
        table.row([
            arm.name().to_owned(),
            format!("{} of {}", reached.len(), found.len()),
            if found.is_empty() { None } else { middle(&found) }.map_or_else(|| "not reached".to_owned(), digits),
            interval.map_or_else(|| "n/a".to_owned(), |[low, high]| format!("{}–{}", digits(low), digits(high))),
        ]);
    }
    table.note = format!(
        "The first of {WINDOWS} windows of {} ms in a row in which at least {:.0} % as many bids were accepted as of the same \
         bids by warm sandboxes.",
        WINDOW_US / 1_000,
        AS_GOOD * 100.0
    );
    table
}
