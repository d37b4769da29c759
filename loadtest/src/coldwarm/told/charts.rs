//! The charts.

use super::of_arm;
use super::tables::Phases;
use crate::class::Class;
use crate::coldwarm::arm::Arm;
use crate::coldwarm::pairs::sandboxes_over_time;
use crate::coldwarm::run::{Bid, Run};
use crate::reports::Invocation;
use crate::result::{Axis, Band, Chart, Line, Scale, Style};

/// Of a second: bids are counted by such windows.
const WINDOW_US: u64 = 100_000;

pub(super) fn all(runs: &[Run], invocations: &[(Arm, Vec<Invocation>)], seconds: f64) -> Vec<Chart> {
    vec![
        shares(runs),
        waterfall(runs, invocations),
        sandboxes(runs, seconds),
        over_time(runs, seconds, "Bids accepted, by when they were due", "bids/s", accepted_rate),
        over_time(runs, seconds, "Bids that lost a race, by when they were due", "%", lost_percent),
    ]
}

/// Which share of bids was answered within which time.
fn shares(runs: &[Run]) -> Chart {
    let line = |name: String, bids: Vec<&Bid>| {
        let mut latencies: Vec<u64> = bids.into_iter().map(|bid| bid.latency.max(1)).collect();
        latencies.sort_unstable();
        let last = latencies.len().saturating_sub(1) as f64;
        // Enough for a curve: every hundredth.
        let points = (0..=100).filter_map(|percent| {
            let share = f64::from(percent) / 100.0;
            Some((*latencies.get((last * share).round() as usize)? as f64 / 1_000.0, share * 100.0))
        });
        Line::new(name, points.collect::<Vec<_>>())
    };
    let met =
        |arm: Arm, is_cold: bool| of_arm(runs, arm).filter(|bid| bid.is_cold == Some(is_cold)).collect::<Vec<_>>();
    // In the colours of the other charts.
    let mut lines = vec![line("cold: met a cold start".to_owned(), met(Arm::Cold, true))];
    for arm in [Arm::Warm, Arm::Provisioned, Arm::Concurrent] {
        lines.push(line(arm.name().to_owned(), of_arm(runs, arm).collect()));
    }
    lines.push(line("cold: met a sandbox in use".to_owned(), met(Arm::Cold, false)));
    lines.retain(|line| !line.points.is_empty());
    Chart::new(
        "Bids answered within a time (ECDF), from when they were due",
        Axis::new("ms", Scale::Logarithmic),
        Axis::new("% of bids", Scale::Linear),
        lines,
    )
}

/// The phases of an average bid, one after the other.
fn waterfall(runs: &[Run], invocations: &[(Arm, Vec<Invocation>)]) -> Chart {
    let mut bands = Vec::new();
    for (arm, is_cold, name) in [(Arm::Cold, true, "cold start"), (Arm::Warm, false, "warm")] {
        let Some(phases) = Phases::of(runs, arm, is_cold, invocations) else { continue };
        let mut from = 0.0;
        let parts = [
            ("waiting", phases.queue),
            ("initialisation", phases.start),
            ("handler", phases.handler),
            ("on the way", phases.rest),
        ];
        for (part, lasts) in parts {
            bands.push(Band::new(&format!("{name}: {part}"), from, from + lasts));
            from += lasts;
        }
    }
    Chart {
        bands,
        ..Chart::new(
            "Where the time of an average bid goes",
            Axis::new("ms", Scale::Linear),
            Axis::new("", Scale::Linear),
            Vec::new(),
        )
    }
}

fn sandboxes(runs: &[Run], seconds: f64) -> Chart {
    let line = |arm: Arm| {
        let of_arm: Vec<_> = runs.iter().filter(|run| run.arm == arm).map(sandboxes_over_time).collect();
        let points = (0..=(seconds * 20.0) as u32).map(|step| {
            let time = f64::from(step) / 20.0;
            let until = |points: &Vec<(f64, f64)>| {
                points.iter().take_while(|(at, _)| *at <= time).last().map_or(0.0, |(_, count)| *count)
            };
            (time, of_arm.iter().map(until).sum::<f64>() / of_arm.len().max(1) as f64)
        });
        Line::new(arm.name(), points.collect::<Vec<_>>())
    };
    Chart::new(
        "Sandboxes that have answered, on average of the pairs",
        Axis::new("seconds since the first bid", Scale::Linear),
        Axis::new("sandboxes", Scale::Linear),
        Arm::ALL.map(line).into(),
    )
}

fn over_time(runs: &[Run], seconds: f64, title: &str, unit: &str, of: fn(&[&Bid], usize) -> Option<f64>) -> Chart {
    let line = |arm: Arm| {
        let pairs = runs.iter().filter(|run| run.arm == arm).count().max(1);
        let windows = (seconds * 1e6) as u64 / WINDOW_US;
        let points = (0..windows).map(|window| {
            let bids: Vec<&Bid> = of_arm(runs, arm).filter(|bid| bid.due / WINDOW_US == window).collect();
            ((window as f64 + 0.5) * WINDOW_US as f64 / 1e6, of(&bids, pairs))
        });
        Line { name: arm.name().to_owned(), points: points.collect(), style: Style::Line }
    };
    Chart::new(
        title,
        Axis::new("seconds since the first bid", Scale::Linear),
        Axis::new(unit, Scale::Linear),
        Arm::ALL.map(line).into(),
    )
}

fn accepted_rate(bids: &[&Bid], pairs: usize) -> Option<f64> {
    let accepted = bids.iter().filter(|bid| bid.class == Class::Accepted).count();
    Some(accepted as f64 / pairs as f64 * 1e6 / WINDOW_US as f64)
}

fn lost_percent(bids: &[&Bid], _: usize) -> Option<f64> {
    crate::coldwarm::pairs::lost_share(bids.iter().copied()).map(|share| share * 100.0)
}
