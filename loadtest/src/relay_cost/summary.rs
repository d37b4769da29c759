//! What many rounds come to: medians, ratios within the same round, and the bars that the relay has to reach.

use serde::Serialize;

use super::record::{Parameters, Phase, Round};
use super::servers::Kind;
use crate::statistics::median;

/// A server with a number of viewers.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) server: Kind,
    pub(super) viewers: usize,
    /// Rounds that ended with figures.
    pub(super) rounds: usize,
    pub(super) idle_viewer_kib: f64,
    pub(super) single: Figures,
    pub(super) burst: Figures,
    /// Viewers that the server closed, in all rounds.
    pub(super) closed: usize,
}

/// Medians of the rounds; of the time to the last viewer, each round has the median of its publications.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) last_ms: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// How many times the floor's time to the last viewer, in the same round.
    pub(super) to_floor: Option<f64>,
    pub(super) cpu_us: f64,
    pub(super) messenger_cpu_us: f64,
    pub(super) bytes: f64,
    /// Of all rounds.
    pub(super) lost: u64,
    pub(super) unexpected: u64,
}

/// Something that the relay has to reach.
#[derive(Debug, Serialize)]
pub(super) struct Bar {
    pub(super) what: String,
    pub(super) value: Option<f64>,
    /// The value is to be this at most, and where it is a comparison with peers, below it.
    pub(super) limit: f64,
    /// None: it was not measured in rounds enough.
    pub(super) is_met: Option<bool>,
}

/// Fewer rounds prove nothing.
const ROUNDS_MIN: usize = 5;
/// From here on, one thread is not the floor.
const MANY_VIEWERS: usize = 10_000;

/// The rounds of a run.
#[derive(Clone, Copy)]
pub(super) struct Rounds<'a>(pub(super) &'a [Round]);

pub(super) fn rows(rounds: Rounds<'_>, parameters: &Parameters) -> Vec<Row> {
    let mut rows = Vec::new();
    for viewers in &parameters.viewers {
        rows.extend(parameters.servers.iter().filter_map(|server| rounds.row(*server, *viewers)));
    }
    rows
}

impl<'a> Rounds<'a> {
    fn of(self, server: Kind, viewers: usize) -> Vec<&'a Round> {
        self.0.iter().filter(|round| round.server == server && round.viewers == viewers).collect()
    }

    fn row(self, server: Kind, viewers: usize) -> Option<Row> {
        let rounds = self.of(server, viewers);
        if rounds.is_empty() {
            return None;
        }
        Some(Row {
            server,
            viewers,
            rounds: rounds.len(),
            idle_viewer_kib: median(rounds.iter().map(|round| round.idle_viewer_bytes / 1024.0).collect()),
            single: self.figures(&rounds, |round| &round.single),
            burst: self.figures(&rounds, |round| &round.burst),
            closed: rounds.iter().map(|round| round.closed).sum(),
        })
    }

    fn figures(self, rounds: &[&Round], phase: fn(&Round) -> &Phase) -> Figures {
        let of_each = |value: &dyn Fn(&Phase) -> f64| median(rounds.iter().map(|round| value(phase(round))).collect());
        let sum = |value: &dyn Fn(&Phase) -> u64| rounds.iter().map(|round| value(phase(round))).sum();
        let last = |round: &Round| last_us(phase(round));
        let floor = rounds.first().and_then(|round| self.floor(round.viewers, last));
        Figures {
            last_ms: of_each(&last_us) / 1_000.0,
            p50_ms: of_each(&|phase| phase.p50_us as f64) / 1_000.0,
            p99_ms: of_each(&|phase| phase.p99_us as f64) / 1_000.0,
            to_floor: floor.and_then(|floor| self.ratio(rounds, floor, last)).map(|(ratio, _)| ratio),
            cpu_us: of_each(&|phase| phase.cpu_us_per_delivery),
            messenger_cpu_us: of_each(&|phase| phase.messenger_cpu_us_per_delivery),
            bytes: of_each(&|phase| phase.bytes_per_delivery),
            lost: sum(&|phase| phase.expected - phase.received),
            unexpected: sum(&|phase| phase.unexpected),
        }
    }

    /// The one that the relay is held against: the faster one, and with many viewers that of two threads.
    fn floor(self, viewers: usize, value: impl Fn(&Round) -> f64) -> Option<Kind> {
        match viewers {
            MANY_VIEWERS.. => Some(Kind::Floor2),
            _ => self.best(&[Kind::Floor1, Kind::Floor2], viewers, value),
        }
    }

    /// In words: what the floor itself comes to beside the best peer. Nobody can come below it.
    fn floors_own(self, peers: &[Kind], viewers: usize, value: fn(&Round) -> f64) -> String {
        let ratio = || {
            let floor = self.floor(viewers, value)?;
            self.ratio(&self.of(floor, viewers), self.best(peers, viewers, value)?, value)
        };
        ratio().map_or_else(String::new, |(ratio, _)| format!(" (the floor's own: {ratio:.2})"))
    }

    /// Who has the lowest median.
    fn best(self, of: &[Kind], viewers: usize, value: impl Fn(&Round) -> f64) -> Option<Kind> {
        let median_of = |server: Kind| {
            let values: Vec<f64> = self.of(server, viewers).into_iter().map(&value).collect();
            (!values.is_empty()).then(|| median(values))
        };
        let medians = of.iter().filter_map(|server| Some((*server, median_of(*server)?)));
        medians.min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(server, _)| server)
    }

    /// The median of the ratios to another server in the same round, and in how many rounds there were both.
    fn ratio(self, rounds: &[&Round], to: Kind, value: impl Fn(&Round) -> f64) -> Option<(f64, usize)> {
        let ratio = |round: &&Round| {
            let others = self.of(to, round.viewers);
            let other = others.into_iter().find(|other| other.round == round.round)?;
            Some(value(round) / value(other))
        };
        let ratios: Vec<f64> = rounds.iter().filter_map(ratio).collect();
        (!ratios.is_empty()).then(|| (median(ratios.clone()), ratios.len()))
    }
}

pub(super) fn bars(rounds: Rounds<'_>, parameters: &Parameters) -> Vec<Bar> {
    let mut bars = Vec::new();
    for &viewers in &parameters.viewers {
        let is_many = viewers >= MANY_VIEWERS;
        let ours = rounds.of(Kind::Ours, viewers);
        let peers: Vec<Kind> = parameters.servers.iter().copied().filter(|server| server.is_peer()).collect();
        let to_floor = |value: fn(&Round) -> f64| rounds.ratio(&ours, rounds.floor(viewers, value)?, value);
        let to_best = |value: fn(&Round) -> f64| rounds.ratio(&ours, rounds.best(&peers, viewers, value)?, value);
        let mut bar = |what: String, limit: f64, may_equal: bool, value: Option<(f64, usize)>| {
            let judge = |(value, _): (f64, usize)| value < limit || may_equal && value <= limit;
            let is_met = value.filter(|(_, rounds)| *rounds >= ROUNDS_MIN).map(judge);
            let value = value.map(|(value, _)| value);
            bars.push(Bar { what: format!("{viewers} viewers: {what}"), value, limit, is_met });
        };
        let floor = if is_many { ("two-thread floor's", 1.3) } else { ("floor's", 1.25) };
        let last: fn(&Round) -> f64 = |round| last_us(&round.single);
        bar(format!("time to the last viewer, to the {}", floor.0), floor.1, true, to_floor(last));
        bar("time to the last viewer, to the best peer's".to_owned(), 1.0, false, to_best(last));
        if !is_many {
            let burst: fn(&Round) -> f64 = |round| last_us(&round.burst);
            let what = format!("the same, burst of {}{}", parameters.burst, rounds.floors_own(&peers, viewers, burst));
            bar(what, 0.5, true, to_best(burst));
        }
        let cpu = "CPU per delivery, to the best peer's";
        bar(format!("{cpu}, single messages"), 1.0, false, to_best(|round| round.single.cpu_us_per_delivery));
        bar(format!("{cpu}, bursts"), 1.0, false, to_best(|round| round.burst.cpu_us_per_delivery));
        if is_many {
            let kibibytes: Vec<f64> = ours.iter().map(|round| round.idle_viewer_bytes / 1024.0).collect();
            let memory = (!ours.is_empty()).then(|| (median(kibibytes), ours.len()));
            bar("memory of an idle viewer, KiB".to_owned(), 1.0, false, memory);
        }
    }
    bars
}

/// Why a run proves nothing about its peers.
pub(super) fn invalid_because(rounds: Rounds<'_>, parameters: &Parameters) -> Vec<String> {
    let wanted: [(&str, &[Kind]); 5] = [
        ("the relay", &[Kind::Ours]),
        ("a floor", &[Kind::Floor1, Kind::Floor2]),
        ("nchan", &[Kind::Nchan]),
        ("a uWebSockets", &[Kind::Socketify, Kind::Bun]),
        ("NATS", &[Kind::Nats]),
    ];
    let enough = ROUNDS_MIN.min(parameters.rounds as usize);
    let mut reasons = Vec::new();
    for viewers in &parameters.viewers {
        for (name, servers) in wanted {
            let most = servers.iter().map(|server| rounds.of(*server, *viewers).len()).max().unwrap_or_default();
            if most < enough {
                reasons.push(format!("{name} was measured in {most} of {enough} rounds with {viewers} viewers"));
            }
        }
    }
    reasons
}

fn last_us(phase: &Phase) -> f64 {
    match phase.last_us.is_empty() {
        true => 0.0,
        false => median(phase.last_us.iter().map(|last_us| *last_us as f64).collect()),
    }
}

#[cfg(test)]
mod tests;
