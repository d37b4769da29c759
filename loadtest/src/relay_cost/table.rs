//! The result as text.

use std::fmt::{self, Display, Formatter};

use super::record::Run;
use super::summary::{Bar, Figures, Row};

impl Display for Run {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for viewers in &self.parameters.viewers {
            let rows: Vec<&Row> = self.rows.iter().filter(|row| row.viewers == *viewers).collect();
            let burst = format!("bursts of {}", self.parameters.burst);
            part(formatter, &format!("{viewers} viewers, single messages"), &rows, |row| &row.single)?;
            part(formatter, &format!("{viewers} viewers, {burst}"), &rows, |row| &row.burst)?;
        }
        writeln!(formatter)?;
        self.bars.iter().try_for_each(|bar| writeln!(formatter, "{bar}"))?;
        for (server, reason) in &self.missing {
            writeln!(formatter, "not installed: {}: {reason}", server.name())?;
        }
        for fault in &self.faults {
            let (server, viewers, round) = (fault.server.name(), fault.viewers, fault.round);
            writeln!(formatter, "failed: {server}, {viewers} viewers, round {round}: {}", fault.error)?;
        }
        let [begin, end] = self.load_average;
        writeln!(formatter, "{}, revision {}", self.machine, self.revision)?;
        writeln!(formatter, "load average {begin} when it began, {end} when it ended")?;
        match self.invalid_because.is_empty() {
            true => write!(formatter, "valid: nchan, a uWebSockets and NATS were measured in the same run"),
            false => write!(formatter, "INVALID: {}", self.invalid_because.join("; ")),
        }
    }
}

const COLUMNS: [&str; 12] = [
    "rounds", "last ms", "x floor", "p50 ms", "p99 ms", "CPU us", "NATS us", "bytes", "KiB", "lost", "extra", "closed",
];

fn part(formatter: &mut Formatter<'_>, title: &str, rows: &[&Row], figures: fn(&Row) -> &Figures) -> fmt::Result {
    write!(formatter, "\n{title}; medians of the rounds\n{:<24}", "")?;
    COLUMNS.iter().try_for_each(|column| write!(formatter, " {column:>8}"))?;
    writeln!(formatter)?;
    rows.iter().try_for_each(|row| line(formatter, row, figures(row)))
}

fn line(formatter: &mut Formatter<'_>, row: &Row, figures: &Figures) -> fmt::Result {
    let to_floor = figures.to_floor.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
    let messenger =
        if figures.messenger_cpu_us > 0.0 { format!("{:.2}", figures.messenger_cpu_us) } else { String::new() };
    writeln!(
        formatter,
        "{:<24} {:>8} {:>8.2} {to_floor:>8} {:>8.2} {:>8.2} {:>8.2} {messenger:>8} {:>8.0} {:>8.2} {:>8} {:>8} {:>8}",
        row.server.name(),
        row.rounds,
        figures.last_ms,
        figures.p50_ms,
        figures.p99_ms,
        figures.cpu_us,
        figures.bytes,
        row.idle_viewer_kib,
        figures.lost,
        figures.unexpected,
        row.closed,
    )
}

impl Display for Bar {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let verdict = match self.is_met {
            Some(true) => "reached",
            Some(false) => "MISSED",
            None => "not judged",
        };
        let value = self.value.map_or("?".to_owned(), |value| format!("{value:.2}"));
        write!(formatter, "{verdict:<11} {value:>6} of {:<5} {}", self.limit, self.what)
    }
}
