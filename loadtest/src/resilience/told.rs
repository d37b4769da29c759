//! What came of it, in figures, sentences, tables and charts.

mod backlog;
mod viewers;

use anyhow::Result;
use hdrhistogram::Histogram;

use self::backlog::Backlog;
use self::viewers::{Absence, absences};
use super::Arguments;
use super::episode::{Episode, phases};
use crate::class::Class;
use crate::machine::MachineLoad;
use crate::record::{FaultRecord, Folder, Request, Sample, lines};
use crate::result::{Band, Better, Distribution, Figure, Measured, Report, Table};
use crate::seconds::Seconds;
use crate::shown::{digits, or_unknown};
use crate::statistics::share_interval;
use crate::tally::Tally;
use crate::timeline;
use crate::verify::{Latency, Verdict};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Before,
    During,
    After,
}

/// What was offered in one phase.
struct Offered {
    bids: u64,
    errors: u64,
    accepted: u64,
    latency: Histogram<u64>,
}

/// One episode as it came out.
struct Told {
    episode: Episode,
    window: (u64, u64),
    offered: [Offered; 3],
    backlog: Backlog,
    absence: Absence,
}

pub(super) fn others(machine: MachineLoad, report: &mut Report) {
    const OTHERS_MAX: f64 = 0.10;
    if machine.others > OTHERS_MAX {
        let percent = machine.others * 100.0;
        report.validity.reasons.push(format!("other programs took {percent:.0} % of the machine"));
    }
}

pub(super) fn tell(
    arguments: &Arguments,
    folder: &Folder,
    verdict: &Verdict,
    tally: &Tally,
    report: &mut Report,
) -> Result<()> {
    let Arguments { rate, items, viewers, seconds, .. } = arguments;
    for (name, value) in [
        ("bids_per_s", (*rate).into()),
        ("items", (*items).into()),
        ("viewers", (*viewers).into()),
        ("phase_seconds", (*seconds).into()),
    ] {
        report.parameters.insert(name.to_owned(), value);
    }
    let faults: Vec<FaultRecord> = lines(&folder.file("faults.jsonl"))?.collect::<Result<_>>()?;
    let samples: Vec<Sample> = lines(&folder.file("samples.jsonl"))?.collect::<Result<_>>()?;
    let mut episodes = Vec::new();
    for (number, episode) in Episode::ALL.into_iter().enumerate() {
        let Some(window) = episode.window(number, *seconds, &faults) else { continue };
        let offered = phases(window, *seconds).map(|_| Offered::new());
        let (backlog, absence) = (Backlog::of(window, *seconds, &samples), absences(folder, window)?);
        episodes.push(Told { episode, window, offered, backlog, absence });
    }
    for request in lines::<Request>(&folder.file("requests.jsonl"))? {
        let request = request?;
        for told in &mut episodes {
            for (place, (_, from, until)) in phases(told.window, *seconds).into_iter().enumerate() {
                if (from..until).contains(&request.due) {
                    told.offered[place].enter(&request);
                }
            }
        }
    }
    report.measured = Measured {
        p99_ms: Distribution::of(&tally.latency).at(0.99),
        errors_percent: tally.errors() as f64 * 100.0 / tally.total().max(1) as f64,
    };
    episodes.iter().for_each(|told| sentence(told, report));
    report.tables.push(phase_table(&episodes, *seconds));
    report.tables.push(recovery_table(&episodes));
    rows(verdict, tally, report);
    let seconds = Seconds::read(folder, verdict.run.started_at)?;
    let band = |told: &Told| Band::new(told.episode.name(), told.window.0 as f64 / 1e6, told.window.1 as f64 / 1e6);
    let bands: Vec<Band> = episodes.iter().map(band).collect();
    report.charts.push(timeline::broken(&faults));
    report.charts.extend(timeline::over_time(&seconds, &bands));
    Ok(())
}

impl Offered {
    fn new() -> Self {
        Self { bids: 0, errors: 0, accepted: 0, latency: Latency::histogram(3) }
    }

    fn enter(&mut self, request: &Request) {
        let class = Class::of(request);
        self.bids += 1;
        self.errors += u64::from(class.is_error());
        self.accepted += u64::from(class == Class::Accepted);
        self.latency.saturating_record(request.latency().max(1));
    }
}

fn sentence(told: &Told, report: &mut Report) {
    let [before, during, _] = &told.offered;
    let p99 = |offered: &Offered| Distribution::of(&offered.latency).at(0.99);
    let (calm, faulty) = (p99(before), p99(during));
    let name = told.episode.name();
    let errors = match during.errors {
        0 => "none failed".to_owned(),
        errors => format!("{errors} FAILED"),
    };
    report.findings.push(format!(
        "{name}: of {} bids {errors}; p99 {} before and {} during.",
        during.bids,
        or_unknown(calm, "ms"),
        or_unknown(faulty, "ms")
    ));
    let ratio = calm.zip(faulty).map(|(calm, faulty)| faulty / calm);
    report.figures.push(Figure::new(format!("{name}: p99 to before"), ratio, "×", Better::Lower));
    report.figures.push(Figure::new(format!("{name}: failed bids"), during.errors as f64, "", Better::Lower));
    if told.episode != Episode::Control {
        let drained = told.backlog.drained_after_s;
        report.figures.push(Figure::new(format!("{name}: drained after"), drained, "s", Better::Lower));
    }
}

fn phase_table(episodes: &[Told], seconds: u64) -> Table {
    let columns = ["", "phase", "bids", "failed", "accepted", "p50 ms", "p99", "p99.9", "p99 to before"];
    let mut table = Table::new("Before, during and after", &columns);
    for told in episodes {
        let before = Distribution::of(&told.offered[0].latency).at(0.99);
        for ((phase, ..), offered) in phases(told.window, seconds).into_iter().zip(&told.offered) {
            let latency = Distribution::of(&offered.latency);
            let ratio = latency.at(0.99).zip(before).map(|(own, before)| own / before);
            let accepted = offered.accepted as f64 * 100.0 / offered.bids.max(1) as f64;
            let interval = share_interval(offered.accepted, offered.bids).unwrap_or_default();
            table.row([
                told.episode.name().to_owned(),
                format!("{phase:?}").to_lowercase(),
                offered.bids.to_string(),
                offered.errors.to_string(),
                format!("{accepted:.0} % ({:.0}–{:.0})", interval[0] * 100.0, interval[1] * 100.0),
                or_unknown(latency.at(0.5), ""),
                or_unknown(latency.at(0.99), ""),
                or_unknown(latency.at(0.999), ""),
                or_unknown(ratio, "×"),
            ]);
        }
    }
    table.note =
        "By when bids were due. During: until the part answered again. The control shows what differs without a \
                  fault. Accepted: of those that were due, with Wilson's 95 % interval."
            .to_owned();
    table
}

fn recovery_table(episodes: &[Told]) -> Table {
    let columns =
        ["", "down for s", "events that waited, at most", "drained after s", "viewers cut off", "all back after s"];
    let mut table = Table::new("How it came back", &columns);
    for told in episodes.iter().filter(|told| told.episode != Episode::Control) {
        let (from, until) = told.window;
        table.row([
            told.episode.name().to_owned(),
            digits((until - from) as f64 / 1e6),
            told.backlog.most.to_string(),
            told.backlog.drained_after_s.map_or("not seen".to_owned(), digits),
            told.absence.cut_off.to_string(),
            told.absence.back_after_s.map_or("–".to_owned(), digits),
        ]);
    }
    table.note =
        "Waiting: in Redis's outbox, looked at every second; drained when no more wait than usual in the calm \
                  before. Viewers wait up to a second before they come back."
            .to_owned();
    table
}

/// Rows at the end.
fn rows(verdict: &Verdict, tally: &Tally, report: &mut Report) {
    let accepted = tally.count(Class::Accepted);
    let drain = verdict
        .run
        .drain_us
        .map_or("was NOT empty".to_owned(), |us| format!("was empty {:.1} s after the load", us as f64 / 1e6));
    report.findings.push(format!(
        "{accepted} bids were accepted and {} rows are archived, {} of them of bids without an answer; the outbox {drain}; \
         viewers saw {} frames of bids, and {} promises were broken.",
        verdict.archived,
        verdict.requests.unknown_archived,
        verdict.frames.bids,
        verdict.cases_but_availability(),
    ));
    let missing = accepted.saturating_sub(verdict.archived) as f64;
    report.figures.push(Figure::new("Accepted bids without a row", missing, "bids", Better::Lower));
}
