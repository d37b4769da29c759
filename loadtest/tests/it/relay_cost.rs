//! A small run of `loadtest relay-cost`: the relay and the floor, and no peers.

use std::process::Command;

use serde_json::Value;

#[test]
fn without_peers_everything_is_counted_and_the_run_is_invalid() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command.args(["relay-cost", "--viewers", "50", "--rounds", "1", "--messages", "2", "--bursts", "1"]);
    command.args(["--servers", "ours,floor1,floor2", "--out"]).arg(folder.path());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && text.contains("INVALID: nchan was measured in 0 of 1 rounds"), "{output:?}");
    let run: Value = serde_json::from_slice(&std::fs::read(folder.path().join("relay.json")).unwrap()).unwrap();
    let rounds = run["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 3, "{run:#}");
    for round in rounds {
        for (phase, expected) in [("single", 100), ("burst", 1_000)] {
            let phase = &round[phase];
            assert_eq!((&phase["received"], &phase["unexpected"]), (&expected.into(), &0.into()), "{round:#}");
            assert!(phase["cpu_us_per_delivery"].as_f64().unwrap() > 0.0, "{round:#}");
        }
        assert_eq!(round["closed"], 0);
    }
    assert!(std::fs::read_to_string(folder.path().join("relay.svg")).unwrap().ends_with("</svg>"));
}
