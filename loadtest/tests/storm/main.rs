//! Two short storms: a program of its own, since tests of one program run side by side and a storm wants the machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use clap::Parser;
use loadtest::soak::{self, Arguments};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
}

/// Only one at a time.
static MACHINE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn check(words: &str) {
    let _machine = MACHINE.lock().await;
    // The record stays, for whoever wants to know more.
    let out = concat!(env!("CARGO_TARGET_TMPDIR"), "/soak");
    let command = Command::parse_from(["soak", "--out", out].into_iter().chain(words.split(' ')));
    let verdict = soak::run(&command.arguments).await.unwrap();
    assert!(verdict.passed(), "{verdict}\nthe record is in {out}");
    assert!(verdict.requests.accepted > 100 && verdict.frames.bids > 100, "{verdict}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_breaks_no_promise() {
    check("--seconds 40 --seed 11 --rate 150 --items 5 --viewers 20").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_with_a_queue_and_a_disk_that_is_waited_for_breaks_no_promise_and_loses_nothing() {
    check("--seconds 25 --seed 12 --rate 60 --items 5 --viewers 20 --archive sqs --fsync always").await;
}
