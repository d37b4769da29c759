//! Viewers that come back and say what they know.

use ledger::Replacement;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::Client;
use crate::stage::{Relay, Stage, frames};

/// Connects and says which event it saw last.
async fn back(stage: &Stage, relay: &Relay, since: &str) -> Client {
    let _ = stage;
    Client::connect(relay.address, &format!("lot1?{since}")).await
}

fn state(frame: &str) -> Value {
    let state: Value = serde_json::from_str(frame).unwrap();
    assert_eq!(state["type"], "state");
    state
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_comes_first_then_what_happens() {
    let stage = Stage::start().await;
    let placed = stage.accept_many("lot1", 1..11).await;
    for since in ["since=4&epoch=1", "since=4"] {
        let mut viewer = back(&stage, &stage.relay, since).await;
        assert_eq!(viewer.connected["seq"], 10);
        assert_eq!(viewer.connected["since"], json!({"epoch": 1, "seq": 4}));
        assert_eq!(viewer.frames(6).await, frames(&placed[4..]));
    }
    let mut viewer = back(&stage, &stage.relay, "since=10&epoch=1").await;
    let next = stage.bid("lot1", 11).await;
    assert_eq!(viewer.frame().await, next);
    let mut from_the_start = back(&stage, &stage.relay, "since=0&epoch=1").await;
    assert_eq!(from_the_start.frames(11).await[..10], frames(&placed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_bids_during_the_handshake_leaves_no_gap_and_nothing_twice() {
    let stage = Stage::start().await;
    let before = stage.accept_many("lot1", 1..901).await;
    let bids = async {
        let mut placed = Vec::new();
        for amount in 901..1_501 {
            let one = stage.accept("lot1", amount).await;
            // Some are lost by NATS.
            if amount % 7 != 0 {
                stage.publish(&one).await;
            }
            placed.push(one);
        }
        placed
    };
    let viewers = async {
        let mut viewers = Vec::new();
        for since in (0..900).step_by(30) {
            viewers.push((since, back(&stage, &stage.relay, &format!("since={since}&epoch=1")).await));
        }
        let mut watching = Vec::new();
        for (since, mut viewer) in viewers {
            watching.push(tokio::spawn(async move { (since, viewer.frames(1_500 - since).await) }));
        }
        watching
    };
    let (during, watching) = tokio::join!(bids, viewers);
    let all = frames(&[before, during].concat());
    for watching in watching {
        let (since, seen) = watching.await.unwrap();
        assert!(seen == all[since..], "since {since}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_relay_shows_what_was_missed_meanwhile() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    let first = stage.bid("lot1", 1).await;
    assert_eq!(viewer.frame().await, first);
    stage.relay.shutdown.cancel();
    let missed = stage.accept_many("lot1", 2..400).await;
    let relay = Relay::start(&stage.redis, &stage.nats, |_| {}).await;
    let mut viewer = back(&stage, &relay, "since=1&epoch=1").await;
    assert_eq!(viewer.frames(398).await, frames(&missed));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_has_not_is_replaced_by_a_snapshot_that_says_so() {
    let stage = Stage::start().await;
    stage.accept_many("lot1", 1..11).await;
    stage.ledger.trim_log(&auction::ItemId::parse("lot1").unwrap(), 6).await.unwrap();
    for (since, reason, skipped) in [
        ("since=3&epoch=1", "log_trimmed", 7),
        ("since=10&epoch=0", "epoch", 0),
        ("since=8&epoch=0", "epoch", 2),
        ("since=99&epoch=1", "epoch", 0),
    ] {
        let mut viewer = back(&stage, &stage.relay, since).await;
        let state = state(&viewer.frame().await);
        assert_eq!((&state["reason"], &state["skipped"]), (&json!(reason), &json!(skipped)), "{since}: {state}");
        assert_eq!((&state["seq"], &state["current_bid"]), (&json!(10), &json!(0.10)), "{since}");
        viewer.close().await;
    }
    let mut viewer = back(&stage, &stage.relay, "since=6&epoch=1").await;
    let next = stage.bid("lot1", 11).await;
    assert_eq!(viewer.frames(5).await[4], next);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_position_is_400() {
    let stage = Stage::start().await;
    for query in ["since=x", "since=-1", "since=1.5", "since=", "epoch=1", "since=1&epoch=x", "since=1&since=2"] {
        let mut stream = TcpStream::connect(stage.relay.address).await.unwrap();
        let request = format!(
            "GET /ws/items/lot1?{query} HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 400", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_epoch_without_an_event_is_no_loss() {
    let stage = Stage::start().await;
    let item = auction::ItemId::parse("lot1").unwrap();
    let placed = stage.accept_many("lot1", 1..11).await;
    // As after a restart of Redis that lost nothing.
    let verification = stage.ledger.verify().await.unwrap();
    let found = verification.states(std::slice::from_ref(&item)).await.unwrap().remove(0);
    let mut state = found.clone().unwrap().state.unwrap();
    state.position.epoch = 2;
    verification.replace(&[Replacement { item, expected: found, state, log: None }]).await.unwrap();
    verification.open(2).await.unwrap();
    let mut up_to_date = back(&stage, &stage.relay, "since=10&epoch=1").await;
    assert_eq!(up_to_date.connected["epoch"], 2);
    let mut behind = back(&stage, &stage.relay, "since=7&epoch=1").await;
    let mut of_no_epoch = back(&stage, &stage.relay, "since=7").await;
    for viewer in [&mut behind, &mut of_no_epoch] {
        assert_eq!(viewer.frames(3).await, frames(&placed[7..]));
    }
    // Longer than anybody waits for what does not come.
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    let next = stage.bid("lot1", 11).await;
    assert!(next.contains(r#""epoch":2,"seq":11"#), "{next}");
    assert_eq!(up_to_date.frame().await, next);
    assert_eq!(behind.frame().await, next);
    assert_eq!(of_no_epoch.frame().await, next);
}
