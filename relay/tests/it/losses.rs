//! What viewers see when Redis has lost events, or has some that this version cannot read.

use auction::ItemId;
use ledger::Replacement;
use serde_json::{Value, json};

use crate::client::Client;
use crate::stage::{Stage, frames};

fn state(frame: &str) -> Value {
    let state: Value = serde_json::from_str(frame).unwrap();
    assert_eq!(state["type"], "state", "{state}");
    state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_history_is_a_new_snapshot_with_its_reason() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    let old = stage.bid("lot1", 500).await;
    assert_eq!(viewer.frame().await, old);
    // Redis loses everything and is opened again in the next epoch.
    stage.redis("FLUSHALL").await;
    stage.ledger.open(2).await.unwrap();
    let placed = stage.accept_many("lot1", 100..102).await;
    assert_eq!(placed[0].event.position.epoch, 2);
    stage.publish(&placed[1]).await;
    let state = state(&viewer.frame().await);
    assert_eq!(state["reason"], "epoch");
    assert!(state.get("event_id").is_none());
    // The relay may have looked before both bids were accepted; what the snapshot does not hold follows.
    let (seq, skipped) = (state["seq"].as_u64().unwrap(), state["skipped"].as_u64().unwrap());
    assert_eq!((state["epoch"].as_u64(), skipped), (Some(2), seq.saturating_sub(1)));
    assert_eq!(state["current_bid"].to_string(), ["0.0", "1.0", "1.01"][seq as usize]);
    assert_eq!(viewer.frames(2 - seq as usize).await, frames(&placed[seq as usize..]));
    let next = stage.bid("lot1", 102).await;
    assert_eq!(viewer.frame().await, next);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_last_bid_leaves_the_screen_without_another_bid() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    let (kept, lost) = (stage.accept("lot1", 1).await, stage.accept("lot1", 2).await);
    for placed in [&kept, &lost] {
        stage.publish(placed).await;
        assert_eq!(viewer.frame().await, placed.event.to_json());
    }
    // As after a restart of Redis that lost the second one: the verifier has put the item back, into the next epoch.
    let item = ItemId::parse("lot1").unwrap();
    let verification = stage.ledger.verify().await.unwrap();
    let found = verification.states(std::slice::from_ref(&item)).await.unwrap().remove(0);
    let mut state_before = found.clone().unwrap().state.unwrap();
    state_before.position = auction::Position { epoch: 2, seq: 1 };
    state_before.bid_count = 1;
    let log = Some(vec![kept.event.clone()]);
    verification.replace(&[Replacement { item, expected: found, state: state_before, log }]).await.unwrap();
    verification.open(2).await.unwrap();
    let state = state(&viewer.frame().await);
    assert_eq!((&state["reason"], &state["epoch"], &state["seq"]), (&json!("epoch"), &json!(2), &json!(1)));
    // What NATS brings of it now is not shown.
    let next = stage.accept("lot1", 3).await;
    stage.publish(&lost).await;
    stage.publish(&next).await;
    assert_eq!(viewer.frame().await, next.event.to_json());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_newer_version_is_passed_by_a_snapshot_and_nobody_waits_for_it() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    let first = stage.bid("lot1", 1).await;
    assert_eq!(viewer.frame().await, first);
    let key = stage.redis("KEYS a:*:l:lot1").await;
    let log = key.lines().last().unwrap();
    let (outbox, item) = (log.replace(":l:lot1", ":out"), log.replace(":l:", ":i:"));
    for command in [
        format!("XADD {log} 2-0 r \"hammer lot1 1 2 and more\""),
        format!("SET {item} \"1 2 1 1 1795456063000123 alice\""),
        format!("XADD {outbox} * r \"hammer lot1 1 2 and more\""),
    ] {
        stage.redis(&command).await;
    }
    let passed = state(&viewer.frame().await);
    let told = |state: &Value| (state["reason"].clone(), state["seq"].clone(), state["skipped"].clone());
    assert_eq!(told(&passed), (json!("log_trimmed"), json!(2), json!(1)));
    let mut behind = Client::connect(stage.relay.address, "lot1?since=1&epoch=1").await;
    assert_eq!(told(&state(&behind.frame().await)), (json!("log_trimmed"), json!(2), json!(1)));
    let mut up_to_date = Client::connect(stage.relay.address, "lot1?since=2&epoch=1").await;
    let next = stage.accept_many("lot1", 2..4).await;
    for viewer in [&mut viewer, &mut behind, &mut up_to_date] {
        assert_eq!(viewer.frames(2).await, frames(&next));
    }
}
