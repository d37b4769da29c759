//! Two short storms: a program of its own, since tests of one program run side by side and a storm wants the machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use clap::Parser;
use loadtest::soak::{self, Arguments};
use loadtest::verify::Verdict;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
}

/// Only one at a time.
static MACHINE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// `faults` must be among those of the storm: a seed could have others after a change of the schedule.
async fn check(words: &str, faults: &[&str]) -> Verdict {
    let _machine = MACHINE.lock().await;
    // The record stays, for whoever wants to know more.
    let out = concat!(env!("CARGO_TARGET_TMPDIR"), "/soak");
    let command = Command::parse_from(["soak", "--out", out].into_iter().chain(words.split(' ')));
    let verdict = soak::run(&command.arguments).await.unwrap();
    assert!(verdict.passed(), "{verdict}\nthe record is in {out}");
    assert!(verdict.requests.accepted > 100 && verdict.frames.bids > 100, "{verdict}");
    assert!(verdict.requests.unknown > 0 && verdict.frames.resumed > 0, "{verdict}");
    for fault in faults {
        assert!(verdict.faults.contains_key(*fault), "{fault}: {:?}", verdict.faults);
    }
    verdict
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_breaks_no_promise() {
    let faults = [
        "bidding-redis without power",
        "bidding-redis killed",
        "bidding-api killed",
        "sandboxes killed while publishing",
        "bidding-nats killed, store wiped",
        "bidding-postgres read-only",
    ];
    check("--seconds 40 --seed 34 --rate 150 --items 5 --viewers 20", &faults).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_with_a_queue_and_a_disk_that_is_waited_for_breaks_no_promise_and_loses_nothing() {
    let faults = ["bidding-redis without power", "bidding-localstack killed", "sandboxes killed"];
    let words = "--seconds 30 --seed 5 --rate 60 --items 5 --viewers 20 --archive sqs --fsync always";
    let verdict = check(words, &faults).await;
    assert_eq!(verdict.lost.count, 0, "{verdict}");
}
