//! The system beside a bare loop around the script.

use super::super::sweep::{Point, Sweep};
use crate::result::{Better, Figure, Line, Report, Table};
use crate::statistics::median;

pub(super) fn tell(sweep: &Sweep, report: &mut Report) {
    let points: Vec<&Point> = sweep.points.iter().filter(|point| !point.bare.is_empty()).collect();
    let bare = |point: &&Point| (median(rates(point)), point.users);
    let (Some((highest, with)), best) =
        (points.iter().map(bare).max_by(|one, other| one.0.total_cmp(&other.0)), sweep.best())
    else {
        return;
    };
    let percent = best.answered_per_s * 100.0 / highest;
    report.findings.push(format!(
        "That is {percent:.0} % of a bare loop around the script, which gets the most answers, {highest:.0} a second, with \
         {with} users: the same bids through the same Redis client, without HTTP, NATS and an archive."
    ));
    report.figures.push(Figure::new("Highest rate, of a bare loop's", percent, "%", Better::Higher));
    report.tables.push(table(&points));
}

fn table(points: &[&Point]) -> Table {
    let columns =
        ["users", "system/s", "accepted/s", "loop/s", "least and most", "accepted/s", "of it", "least and most"];
    let mut table = Table::new("Beside a bare loop around the script", &columns);
    for point in points {
        let (summary, rates) = (point.summary(), rates(point));
        let shares: Vec<f64> =
            point.trials.iter().zip(&rates).map(|(trial, bare)| trial.answered_per_s * 100.0 / bare).collect();
        table.row([
            point.users.to_string(),
            format!("{:.0}", summary.answered_per_s),
            format!("{:.0}", summary.accepted_per_s),
            format!("{:.0}", median(rates.clone())),
            range(&rates, ""),
            format!("{:.0}", median(point.bare.iter().map(|turn| turn.accepted_per_s).collect())),
            format!("{:.0} %", median(shares.clone())),
            range(&shares, " %"),
        ]);
    }
    table.note = "Both come in turn with as many users. The share is of the repeats, each with the loop beside it. Few users are \
                  as fast as one bid is: it waits for HTTP, and if it is accepted for NATS. Many are as fast as the processors \
                  are, which the loop shares with Redis only; its bids leave together, many in one write."
        .to_owned();
    table
}

fn rates(point: &Point) -> Vec<f64> {
    point.bare.iter().map(|turn| turn.answered_per_s).collect()
}

fn range(values: &[f64], unit: &str) -> String {
    let (low, high) = (values.iter().copied().reduce(f64::min), values.iter().copied().reduce(f64::max));
    format!("{:.0}–{:.0}{unit}", low.unwrap_or_default(), high.unwrap_or_default())
}

/// For the chart of the system's rates.
pub(super) fn line(sweep: &Sweep) -> Option<Line> {
    let points: Vec<(f64, f64)> = sweep
        .points
        .iter()
        .filter(|point| !point.bare.is_empty())
        .map(|point| (f64::from(point.users), median(rates(point))))
        .collect();
    (!points.is_empty()).then(|| Line::new("bare loop around the script", points))
}
