use super::*;

fn round(server: Kind, viewers: usize, round: u32, last_us: u64) -> Round {
    let phase = Phase {
        last_us: vec![last_us / 2, last_us, last_us * 9],
        p50_us: last_us / 2,
        p99_us: last_us - 1,
        cpu_us_per_delivery: last_us as f64 / 1_000.0,
        messenger_cpu_us_per_delivery: 0.0,
        bytes_per_delivery: 0.0,
        expected: 10,
        received: 9,
        unexpected: 0,
        repeated: 0,
    };
    let (single, burst) = (phase.clone(), phase);
    Round { server, viewers, round, message_bytes: 250, idle_viewer_bytes: 512.0, single, burst, closed: 1 }
}

fn parameters(servers: &[Kind], viewers: usize) -> Parameters {
    let servers = servers.to_vec();
    Parameters { servers, viewers: vec![viewers], rounds: 5, readers: 2, messages: 3, bursts: 3, burst: 20 }
}

const ALL: [Kind; 5] = [Kind::Ours, Kind::Floor2, Kind::Nchan, Kind::Nats, Kind::Bun];

/// Each server's times are these, times the noise of the round.
fn rounds(times: [u64; 5], viewers: usize) -> Vec<Round> {
    let noise = [1, 10, 2, 5, 3];
    let of = |(number, noise): (u32, u64)| {
        ALL.into_iter().zip(times).map(move |(server, time)| round(server, viewers, number, time * noise))
    };
    (1..).zip(noise).flat_map(of).collect()
}

#[test]
fn a_row_has_medians_and_ratios_within_a_round() {
    let rounds = rounds([1_200, 1_000, 2_000, 3_000, 4_000], 1_000);
    let rows = rows(Rounds(&rounds), &parameters(&ALL, 1_000));
    let [ours, floor, ..] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((ours.server, ours.rounds, ours.closed, ours.single.lost), (Kind::Ours, 5, 5, 5));
    assert!((ours.single.last_ms - 3.6).abs() < 1e-9 && (ours.idle_viewer_kib - 0.5).abs() < 1e-9);
    assert!((ours.single.to_floor.unwrap() - 1.2).abs() < 1e-9);
    assert!((floor.single.to_floor.unwrap() - 1.0).abs() < 1e-9);
}

#[test]
fn bars_are_met_at_their_limit_and_not_beyond() {
    for (ours, times, met) in [(1_250, 2_500, true), (1_260, 2_500, false), (1_250, 2_490, false)] {
        let rounds = rounds([ours, 1_000, times, 9_000, 9_000], 1_000);
        let bars = bars(Rounds(&rounds), &parameters(&ALL, 1_000));
        assert_eq!(bars.len(), 5);
        assert_eq!(bars.iter().all(|bar| bar.is_met == Some(true)), met, "{bars:?}");
    }
    let many = rounds([1_300, 1_000, 1_300, 9_000, 9_000], 10_000);
    let bars = bars(Rounds(&many), &parameters(&ALL, 10_000));
    let met: Vec<_> = bars.iter().map(|bar| bar.is_met).collect();
    // Both times are a peer's, and have to be below it.
    assert_eq!(met, [Some(true), Some(false), Some(false), Some(false), Some(true)]);
}

#[test]
fn four_rounds_prove_nothing() {
    let mut rounds = rounds([1_000; 5], 1_000);
    rounds.truncate(4 * ALL.len());
    assert!(bars(Rounds(&rounds), &parameters(&ALL, 1_000)).iter().all(|bar| bar.is_met.is_none()));
}

#[test]
fn a_run_without_a_peer_that_counts_is_invalid() {
    let rounds = rounds([1_000; 5], 1_000);
    let parameters = parameters(&ALL, 1_000);
    assert_eq!(invalid_because(Rounds(&rounds), &parameters), [""; 0]);
    for missing in ALL {
        let others: Vec<_> = rounds.iter().filter(|round| round.server != missing).cloned().collect();
        assert_eq!(invalid_because(Rounds(&others), &parameters).len(), 1, "{missing:?}");
    }
    let without_last = &rounds[..rounds.len() - 1];
    assert_eq!(
        invalid_because(Rounds(without_last), &parameters),
        ["a uWebSockets was measured in 4 of 5 rounds with 1000 viewers"]
    );
}
