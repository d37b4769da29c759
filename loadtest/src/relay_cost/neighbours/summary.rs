//! What the rounds come to.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use super::crew::Manners;
use super::hostile::Attack;
use super::{Beside, Memory, Round};
use crate::statistics::{interval, median};

#[derive(Debug, Serialize)]
pub(super) struct Summary {
    /// Beside nobody, beside honest viewers and beside bad ones: medians of the rounds, in milliseconds.
    pub(super) p50_ms: [f64; 3],
    pub(super) p99_ms: [f64; 3],
    /// Of the p99 beside bad viewers, to the same beside nobody, and beside honest ones.
    pub(super) to_absent: Ratio,
    pub(super) to_good: Ratio,
    /// Messages that viewers who are measured did not get, and those of them who were closed.
    pub(super) lost: u64,
    pub(super) closed: usize,
    /// By their kind: how many, and how many of them the relay ended.
    pub(super) attacks: BTreeMap<Attack, [u32; 2]>,
    /// In KiB: of the second fifth of the time, and of the last.
    pub(super) memory_kib: Option<[f64; 2]>,
}

/// Of two figures in the same round: the median of the rounds.
#[derive(Debug, Serialize)]
pub(super) struct Ratio {
    pub(super) median: f64,
    /// In which it lies with 95 %, by a bootstrap over the rounds. None: too few.
    pub(super) interval: Option<[f64; 2]>,
}

/// Parts that the time is cut in. In the first of them, everything begins.
const PARTS: usize = 5;
/// Of the intervals.
const LIMIT: f64 = 1.1;

impl Summary {
    pub(super) fn of(rounds: &[Round], memory: &[Memory], seed: u64) -> Self {
        let of_each = |value: fn(&Beside) -> u64| {
            Manners::ALL.map(|manners| {
                median(rounds.iter().map(|round| value(&round[manners as usize]) as f64 / 1_000.0).collect())
            })
        };
        let p99 = |beside: &Beside| beside.phase.p99_us;
        let to = |manners: Manners| {
            let ratios = rounds
                .iter()
                .map(|round| p99(&round[Manners::Bad as usize]) as f64 / p99(&round[manners as usize]) as f64);
            Ratio::of(&ratios.collect::<Vec<_>>(), seed)
        };
        let all = || rounds.iter().flatten();
        let mut attacks = BTreeMap::<Attack, [u32; 2]>::new();
        for (attack, [made, ended]) in all().flat_map(|round| &round.attacks) {
            let sum = attacks.entry(*attack).or_default();
            *sum = [sum[0] + made, sum[1] + ended];
        }
        let kibibytes: Vec<f64> = memory.iter().map(|memory| memory.kibibytes as f64).collect();
        let part = kibibytes.len() / PARTS;
        Self {
            p50_ms: of_each(|beside| beside.phase.p50_us),
            p99_ms: of_each(p99),
            to_absent: to(Manners::Absent),
            to_good: to(Manners::Good),
            lost: all().map(|round| round.phase.expected - round.phase.received).sum(),
            closed: all().map(|round| round.closed).sum(),
            attacks,
            memory_kib: (part > 0).then(|| {
                [part..2 * part, kibibytes.len() - part..kibibytes.len()].map(|at| median(kibibytes[at].to_vec()))
            }),
        }
    }
}

impl Ratio {
    fn of(ratios: &[f64], seed: u64) -> Self {
        let middle = |drawn: &[f64]| median(drawn.to_vec());
        Self { median: middle(ratios), interval: interval(ratios, seed, |drawn| Some(middle(drawn))) }
    }
}

impl Display for Ratio {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.3}, ", self.median)?;
        match self.interval {
            Some([low, high]) => {
                let verdict = if high < LIMIT { "reached" } else { "MISSED" };
                write!(formatter, "95 % in {low:.3} to {high:.3}; {verdict}: below {LIMIT}")
            }
            None => write!(formatter, "too few rounds for an interval"),
        }
    }
}

impl Display for Summary {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (which, beside) in ["nobody", "honest viewers", "stalled and hostile ones"].into_iter().enumerate() {
            let (p50, p99) = (self.p50_ms[which], self.p99_ms[which]);
            writeln!(formatter, "beside {beside:<26} p50 {p50:>7.2} ms   p99 {p99:>7.2} ms")?;
        }
        writeln!(formatter, "p99 beside bad viewers, to the one beside nobody: {}", self.to_absent)?;
        writeln!(formatter, "p99 beside bad viewers, to the one beside honest ones: {}", self.to_good)?;
        writeln!(formatter, "lost {}, closed {} of those who are measured", self.lost, self.closed)?;
        for (attack, [made, ended]) in &self.attacks {
            writeln!(formatter, "{made:>6} times {attack:?}, ended by the relay {ended}")?;
        }
        match self.memory_kib {
            Some([early, late]) => write!(
                formatter,
                "memory: {early:.0} KiB in the second fifth of the time, {late:.0} in the last ({:+.1} %)",
                (late / early - 1.0) * 100.0
            ),
            None => write!(formatter, "memory: not watched for long enough"),
        }
    }
}
