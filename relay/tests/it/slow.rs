//! Viewers that read slowly, or not at all.

use std::time::Duration;

use relay::SlowViewers;
use serde_json::Value;

use crate::client;
use crate::stage::{Stage, frames, until};

/// More than the ring and all buffers on the way hold.
const FLOOD: u64 = 4_000;

/// Many bids, which a healthy viewer is shown all of.
async fn flood(stage: &Stage) {
    let mut healthy = stage.viewer("lot1").await;
    let watching = tokio::spawn(async move { healthy.frames(usize::try_from(FLOOD).unwrap()).await });
    let placed = stage.accept_many("lot1", 1..FLOOD + 1).await;
    stage.publish(placed.last().unwrap()).await;
    assert_eq!(watching.await.unwrap(), frames(&placed));
}

fn seq(frame: &str) -> u64 {
    let frame: Value = serde_json::from_str(frame).unwrap();
    frame["seq"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_falls_behind_is_shown_where_the_item_stands_and_goes_on() {
    let stage = Stage::start().await;
    let mut stalled = client::stalled(stage.relay.address, "lot1").await;
    flood(&stage).await;
    let mut last = seq(&client::text(&mut stalled).await);
    let state: Value = loop {
        let frame = client::text(&mut stalled).await;
        if frame.contains(r#""type":"state""#) {
            break serde_json::from_str(&frame).unwrap();
        }
        assert_eq!(seq(&frame), last + 1);
        last += 1;
    };
    assert_eq!(
        (&state["reason"], state["skipped"].as_u64()),
        (&"too_slow".into(), Some(state["seq"].as_u64().unwrap() - last))
    );
    assert!(last > 0 && state["skipped"].as_u64() > Some(0), "{state}");
    last = state["seq"].as_u64().unwrap();
    while last < FLOOD {
        last += 1;
        assert_eq!(seq(&client::text(&mut stalled).await), last);
    }
    let next = stage.bid("lot1", FLOOD + 1).await;
    assert_eq!(client::text(&mut stalled).await, next);
    let stats = stage.relay.stats().await;
    assert_eq!((&stats["slow_viewers_closed"], &stats["subscribers"]), (&0.into(), &1.into()));
    assert!(stats["slow_viewers_conflated"].as_u64() > Some(0), "{stats}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_no_snapshots_has_viewers_closed_that_fall_behind() {
    let stage = Stage::start_with(|config| config.slow_viewers = SlowViewers::Close).await;
    let stalled = client::stalled(stage.relay.address, "lot1").await;
    flood(&stage).await;
    let (seen, close) = client::until_closed(stalled).await;
    assert_eq!(u16::from(close.code), 1013);
    assert!(close.reason.starts_with("too slow, come back in "), "{}", close.reason);
    let seqs: Vec<u64> = seen.iter().map(|frame| seq(frame)).collect();
    assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>(), "nothing is missing before");
    assert_eq!(stage.relay.stats().await["slow_viewers_conflated"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_reads_nothing_for_ten_seconds_is_closed() {
    let stage = Stage::start().await;
    let stalled = client::stalled(stage.relay.address, "lot1").await;
    flood(&stage).await;
    until("it is given up", async || stage.relay.stats().await["slow_viewers_closed"] == 1).await;
    until("it has left", async || stage.relay.stats().await["subscribers"] == 0).await;
    drop(stalled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_reads_more_slowly_than_the_relay_reads_the_log_is_waited_for() {
    let stage = Stage::start().await;
    let mut viewer = client::stalled(stage.relay.address, "lot1").await;
    let connected = client::text(&mut viewer).await;
    assert!(connected.contains("\"seq\":0"), "{connected}");
    let reading = tokio::spawn(async move {
        let mut seen = Vec::new();
        while seen.len() < usize::try_from(FLOOD).unwrap() {
            seen.push(client::text(&mut viewer).await);
            if seen.len().is_multiple_of(100) {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
        seen
    });
    let placed = stage.accept_many("lot1", 1..FLOOD + 1).await;
    stage.publish(placed.last().unwrap()).await;
    assert_eq!(reading.await.unwrap(), frames(&placed));
    assert_eq!(stage.relay.stats().await["slow_viewers_conflated"], 0);
}
