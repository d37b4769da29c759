//! Whose processor time a bid takes.

use std::collections::BTreeMap;

use super::super::sweep::{Point, Sweep};
use crate::result::{Report, Table};
use crate::statistics::median;

/// Programs that take less are left out.
const US_MIN: f64 = 0.05;

/// Microseconds of a bid, by program.
type Shares = BTreeMap<String, f64>;

/// With as many users as get the most answers.
pub(super) fn tell(sweep: &Sweep, report: &mut Report) {
    let Some(point) = sweep.points.iter().find(|point| point.users == sweep.best().users) else { return };
    let system = medians(point.trials.iter().map(|trial| &trial.programs_us_per_request));
    let bare = medians(point.bare.iter().map(|turn| &turn.programs_us));
    let mut programs: Vec<(&String, f64)> = system.iter().map(|(name, &us)| (name, us)).collect();
    programs.retain(|&(name, us)| us.max(of(&bare, name)) >= US_MIN);
    if programs.len() < 2 {
        // What a server elsewhere takes is not known.
        return;
    }
    programs.sort_by(|one, other| other.1.total_cmp(&one.1));
    let words: Vec<String> = programs.iter().map(|(name, us)| format!("{name} {us:.1}")).collect();
    report.findings.push(format!(
        "A bid takes {:.0} µs of processor time with {} users: {}.",
        system.values().sum::<f64>(),
        point.users,
        words.join(", ")
    ));
    report.tables.push(table(point, &programs, &system, &bare));
}

fn table(point: &Point, programs: &[(&String, f64)], system: &Shares, bare: &Shares) -> Table {
    let title = format!("Processor time of a bid with {} users, µs", point.users);
    let mut table = Table::new(&title, &["program", "system", "of it", "bare loop", "of it"]);
    let cells = |shares: &Shares, us: f64| match shares.values().sum::<f64>() {
        0.0 => ["".to_owned(), String::new()],
        sum => [format!("{us:.1}"), format!("{:.0} %", us * 100.0 / sum)],
    };
    let mut row = |name: &str, taken: f64, by_loop: f64| {
        table.row([name.to_owned()].into_iter().chain(cells(system, taken)).chain(cells(bare, by_loop)));
    };
    for &(name, us) in programs {
        row(name, us, of(bare, name));
    }
    row("together", system.values().sum(), bare.values().sum());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    table.note = format!(
        "Medians of the repeats, each program by itself; `loadtest` makes the load, reads the answers and keeps the record. \
         This machine has {cores} processors for all of them: together they give {cores} s of processor time a second."
    );
    table
}

fn medians<'a>(repeats: impl Iterator<Item = &'a Shares>) -> Shares {
    let mut all: BTreeMap<&String, Vec<f64>> = BTreeMap::new();
    for (name, us) in repeats.flatten() {
        all.entry(name).or_default().push(*us);
    }
    all.into_iter().map(|(name, values)| (name.clone(), median(values))).collect()
}

fn of(shares: &Shares, name: &str) -> f64 {
    shares.get(name).copied().unwrap_or_default()
}
