//! Small runs of `loadtest relay-cost` and its neighbours, with no peers.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(arguments: &[&str], out: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_loadtest")).args(arguments).arg("--out").arg(out).output().unwrap()
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[test]
fn without_peers_everything_is_counted_and_the_run_is_invalid() {
    let folder = tempfile::tempdir().unwrap();
    let servers = ["ours", "floor1", "floor2", "ours-compressed", "tungstenite", "past-tungstenite"];
    let sizes = ["relay-cost", "--viewers", "50", "--rounds", "1", "--messages", "2", "--bursts", "1"];
    let output = run(&[&sizes[..], &["--servers", &servers.join(",")]].concat(), folder.path());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && text.contains("INVALID: nchan was measured in 0 of 1 rounds"), "{output:?}");
    let run = read(&folder.path().join("relay.json"));
    let rounds = run["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), servers.len(), "{run:#}");
    for round in rounds {
        for (phase, expected) in [("single", 100), ("burst", 1_000)] {
            let phase = &round[phase];
            assert_eq!((&phase["received"], &phase["unexpected"]), (&expected.into(), &0.into()), "{round:#}");
            assert!(phase["cpu_us_per_delivery"].as_f64().unwrap() > 0.0, "{round:#}");
            let (bytes, message) = (phase["bytes_per_delivery"].as_f64().unwrap(), &round["message_bytes"]);
            let is_compressed = bytes < message.as_f64().unwrap();
            assert_eq!(is_compressed, round["server"] == "ours-compressed", "{round:#}");
        }
        assert_eq!(round["closed"], 0);
    }
    assert!(std::fs::read_to_string(folder.path().join("relay.svg")).unwrap().ends_with("</svg>"));
}

#[test]
fn a_crowd_has_what_it_missed_after_the_relay_was_killed_and_after_it_was_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["relay-crowd", "--viewers", "50", "--rounds", "1", "--servers", "ours,floor1"];
    let output = run(&arguments, folder.path());
    assert!(output.status.success(), "{output:?}");
    let run = read(&folder.path().join("crowd.json"));
    let occasions: Vec<_> = run["came"].as_array().unwrap().iter().map(|came| &came["occasion"]).collect();
    assert_eq!(occasions, ["opening", "kill", "stop", "opening"], "{run:#}");
}

#[test]
fn neighbours_that_stall_or_are_hostile_take_nothing_from_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let sizes = ["--viewers", "50", "--rounds", "1", "--messages", "300", "--memory-seconds", "1"];
    let output = run(&[&["relay-neighbours"], &sizes[..]].concat(), folder.path());
    assert!(output.status.success(), "{output:?}");
    let run = read(&folder.path().join("neighbours.json"));
    for beside in run["rounds"][0].as_array().unwrap() {
        assert_eq!((&beside["phase"]["received"], &beside["closed"]), (&12_000.into(), &0.into()), "{run:#}");
    }
    // Nothing that speaks against the protocol is left alone.
    let attacks = run["summary"]["attacks"].as_object().unwrap();
    for attack in ["bad-utf8", "reserved-bits", "fragmented-ping", "unmasked"] {
        let [made, ended] = [0, 1].map(|which| attacks[attack][which].as_u64().unwrap());
        assert!(made > 0 && made == ended, "{run:#}");
    }
}
