//! Which fault when, and for how long: the same for the same seed.
//!
//! A lane has one fault at a time, of servers that no other lane touches. So several things are broken at once, and each
//! of them has one who repairs it.

use std::ops::Range;

use local::Name;
use rand::RngExt;

use super::fault::{Fault, Peer};
use crate::random::{Stream, random};

#[derive(Clone, Debug)]
pub struct Lane {
    pub name: &'static str,
    pub faults: Vec<Fault>,
    /// Milliseconds.
    pub pause_ms: Range<u64>,
    pub lasts_ms: Range<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Microseconds since the run began. It starts later if the repair of the one before takes long.
    pub from: u64,
    pub lasts_ms: u64,
    pub fault: Fault,
}

/// The lanes of a whole system. `sandboxes`: the functions run in some.
pub fn lanes(sqs: bool, sandboxes: bool) -> Vec<Lane> {
    use Fault::{Cut, Frozen, Killed, KilledWhilePublishing, PowerLost, ReadOnly, SandboxesKilled, StoreWiped};
    let long = |name, faults| Lane { name, faults, pause_ms: 1_000..8_000, lasts_ms: 500..8_000 };
    let mut messenger = vec![Killed(Name::Nats), Frozen(Name::Nats), StoreWiped];
    // Bids fail, so briefly and seldom.
    let mut judge = vec![Killed(Name::Redis), Frozen(Name::Redis), PowerLost, Killed(Name::Api)];
    if sandboxes {
        messenger.push(KilledWhilePublishing);
        judge.push(SandboxesKilled);
    }
    let archive = [Killed(Name::Postgres), Frozen(Name::Postgres), ReadOnly];
    let worker = [Killed(Name::ArchivalWorker), Frozen(Name::ArchivalWorker)];
    let cuts = [Peer::Nats, Peer::Redis, Peer::Both];
    let cuts = cuts.into_iter().flat_map(|from| [false, true].map(|silent| Cut { from, silent }));
    let relay = [Killed(Name::Broadcast), Frozen(Name::Broadcast)].into_iter().chain(cuts);
    let mut lanes = vec![
        long("messenger", messenger),
        long("archive", archive.into_iter().chain(worker).collect()),
        long("relay", relay.collect()),
        Lane { name: "judge", faults: judge, pause_ms: 6_000..18_000, lasts_ms: 200..2_000 },
    ];
    if sqs {
        let mut queue = long("queue", vec![Killed(Name::Localstack), Frozen(Name::Localstack)]);
        // It takes some seconds to start, and until then the outbox has it all.
        (queue.pause_ms, queue.lasts_ms) = (2_000..10_000, 2_000..30_000);
        lanes.push(queue);
    }
    lanes
}

/// What happens in a lane until the end: every kind of fault once before one comes again.
pub fn schedule(lane: &Lane, number: u8, seed: u64, ends: u64) -> Vec<Planned> {
    let mut random = random(seed, Stream::Storm(number));
    let mut planned = Vec::new();
    let mut left: Vec<Fault> = Vec::new();
    let mut time_ms = 0;
    while !lane.faults.is_empty() {
        time_ms += random.random_range(lane.pause_ms.clone());
        let lasts_ms = random.random_range(lane.lasts_ms.clone());
        if left.is_empty() {
            left.clone_from(&lane.faults);
        }
        let fault = left.swap_remove(random.random_range(0..left.len()));
        if (time_ms + lasts_ms) * 1_000 >= ends {
            break;
        }
        planned.push(Planned { from: time_ms * 1_000, lasts_ms, fault });
        time_ms += lasts_ms;
    }
    planned
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES_10: u64 = 600_000_000;

    #[test]
    fn the_same_seed_has_the_same_storm_and_each_fault_comes() {
        for (number, lane) in (0..).zip(lanes(true, true)) {
            let planned = schedule(&lane, number, 1, MINUTES_10);
            assert_eq!(planned, schedule(&lane, number, 1, MINUTES_10));
            assert_ne!(planned, schedule(&lane, number, 2, MINUTES_10));
            for fault in &lane.faults {
                assert!(planned.iter().any(|planned| planned.fault == *fault), "{fault}");
            }
            assert!(planned.is_sorted_by(|one, next| one.from + one.lasts_ms * 1_000 <= next.from));
            let last = planned.last().unwrap();
            assert!(last.from + last.lasts_ms * 1_000 < MINUTES_10);
        }
    }

    #[test]
    fn a_server_is_broken_by_one_lane_only() {
        let touched = |lane: &Lane| {
            lane.faults
                .iter()
                .filter_map(|fault| match fault {
                    Fault::Killed(name) | Fault::Frozen(name) => Some(*name),
                    _ => None,
                })
                .collect::<std::collections::HashSet<_>>()
        };
        let lanes = lanes(true, true);
        let all: usize = lanes.iter().map(|lane| touched(lane).len()).sum();
        assert_eq!(all, Name::ALL_WITH_SQS.len());
        let union: std::collections::HashSet<_> = lanes.iter().flat_map(touched).collect();
        assert_eq!(union.len(), all);
    }
}
