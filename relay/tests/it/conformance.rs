//! The Autobahn cases, against the code that serves viewers: only what it does with messages is another.

use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use crate::stage::{DEADLINE, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_is_spoken_as_autobahn_wants_it() {
    let suite = local::testing::conformance_suite().await;
    let stage = Stage::start_with(|config| (config.has_echo, config.compression) = (true, true)).await;
    let results = tempfile::tempdir().unwrap();
    // In 12 and 13, about compression, the suite fails at its own handshake; tests/it/compression.rs is about that.
    let mut cases = Command::new(suite);
    cases.args(["--mode", "fuzzingclient", "--parallelism", "4", "--exclude", "12.*", "--exclude", "13.*", "--outdir"]);
    cases.arg(results.path()).arg(stage.relay.address.to_string()).kill_on_drop(true);
    let output = timeout(DEADLINE * 3, cases.output()).await.expect("the suite hangs").unwrap();
    let words = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let index = std::fs::read(results.path().join("index.json")).unwrap_or_else(|_| panic!("no results: {words}"));
    let index: Value = serde_json::from_slice(&index).unwrap();
    let cases: Vec<(&String, &Value)> =
        index.as_object().unwrap().values().flat_map(|agent| agent.as_object().unwrap()).collect();
    assert!(cases.len() >= 301, "{} cases", cases.len());
    let is_good = |verdict: &Value| matches!(verdict.as_str(), Some("OK" | "INFORMATIONAL" | "NON-STRICT"));
    let bad: Vec<_> =
        cases.iter().filter(|(_, case)| !is_good(&case["behavior"]) || !is_good(&case["behaviorClose"])).collect();
    if let Some((case, verdict)) = bad.first() {
        let report = results.path().join(verdict["reportfile"].as_str().unwrap());
        panic!(
            "{} of {} are bad, such as {case}:\n{}",
            bad.len(),
            cases.len(),
            std::fs::read_to_string(report).unwrap()
        );
    }
}
