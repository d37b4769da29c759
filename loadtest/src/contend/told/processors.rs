//! Whose processor time a bid takes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::sweep::{Point, Sweep};
use crate::result::{Report, Table};
use crate::statistics::median;

/// Programs that take less are left out.
const US_MIN: f64 = 0.05;
/// No part of the system; in the bare loop it is the client of Redis.
const GENERATOR: &str = "loadtest";

/// Microseconds of a bid, by program.
type Shares = BTreeMap<String, f64>;

/// With as many users as get the most answers.
pub(super) fn tell(sweep: &Sweep, report: &mut Report) {
    let users = sweep.best().users;
    let Some(point) = sweep.points.iter().find(|point| point.users == users) else { return };
    let system = medians(&point.trials.iter().map(|trial| &trial.programs_us_per_request).collect::<Vec<_>>());
    let bare = medians(&point.bare.iter().map(|turn| &turn.programs_us).collect::<Vec<_>>());
    let own = |(name, us): &(&String, &f64)| *name != GENERATOR && **us >= US_MIN;
    let mut programs: Vec<(&String, &f64)> = system.iter().filter(own).collect();
    if programs.is_empty() {
        // What a server elsewhere takes is not known.
        return;
    }
    programs.sort_by(|one, other| other.1.total_cmp(one.1));
    let words: Vec<String> = programs.iter().map(|(name, us)| format!("{name} {us:.1}")).collect();
    report.findings.push(format!(
        "With {users} users a bid takes {:.0} µs of processor time, and {:.0} more of the generator: {}.",
        programs.iter().map(|(_, us)| **us).sum::<f64>(),
        of(&system, GENERATOR),
        words.join(", ")
    ));
    report.tables.push(table(point, programs.iter().map(|(name, _)| name.as_str()), [&system, &bare]));
}

fn table<'a>(point: &Point, programs: impl Iterator<Item = &'a str>, shares: [&Shares; 2]) -> Table {
    let title = format!("Processor time of a bid with {} users, µs", point.users);
    let mut table = Table::new(&title, &["program", "system", "bare loop"]);
    for name in programs.chain([GENERATOR]) {
        table.row([name.to_owned()].into_iter().chain(shares.map(|shares| format!("{:.1}", of(shares, name)))));
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    table.note = format!(
        "Medians of the repeats, until the last answer: what is archived later is not in them. {GENERATOR} makes the load and \
         keeps the record, and in the loop it is the client of Redis. All of them share {cores} processors."
    );
    table
}

/// Whoever took nothing in a repeat, or had ended before its end, counts as nothing there.
fn medians(repeats: &[&Shares]) -> Shares {
    let names: BTreeSet<&String> = repeats.iter().flat_map(|shares| shares.keys()).collect();
    let all = |name: &String| median(repeats.iter().map(|shares| of(shares, name)).collect());
    names.into_iter().map(|name| (name.clone(), all(name))).collect()
}

fn of(shares: &Shares, name: &str) -> f64 {
    shares.get(name).copied().unwrap_or_default()
}
