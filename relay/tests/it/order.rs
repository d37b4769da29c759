//! What one viewer sees of one item.

use auction::AuctionEvent;

use crate::stage::{Stage, frames};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_frame_is_the_state_of_the_item_and_then_its_bids_come_as_they_were_published() {
    let stage = Stage::start().await;
    let mut early = stage.viewer("lot1").await;
    let fields = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let always = ["clientId", "current_bid", "epoch", "itemId", "seq", "server_time", "status", "subscribers", "type"];
    assert_eq!(fields(&early.connected), always);
    assert_eq!(early.connected["itemId"], "lot1");
    assert_eq!((early.connected["seq"].as_u64(), early.connected["epoch"].as_u64()), (Some(0), Some(1)));
    assert_eq!(early.connected["current_bid"].to_string(), "0.0");
    assert_eq!((&early.connected["status"], &early.connected["subscribers"]), (&"active".into(), &1.into()));

    let first = stage.bid("lot1", 10_001).await;
    assert_eq!(early.frame().await, first);
    let event = AuctionEvent::from_json(first.as_bytes()).unwrap();

    let mut late = stage.viewer("lot1").await;
    assert_eq!(late.connected["current_bid"].to_string(), "100.01");
    assert_eq!(late.connected["highest_bidder_id"], "alice");
    assert_eq!((late.connected["seq"].as_u64(), late.connected["subscribers"].as_u64()), (Some(1), Some(2)));
    assert_ne!(late.connected["clientId"], early.connected["clientId"]);
    let server_time = auction::Timestamp::parse(late.connected["server_time"].as_str().unwrap()).unwrap();
    assert!(server_time >= event.timestamp);

    let second = stage.bid("lot1", 10_002).await;
    assert_eq!((early.frame().await, late.frame().await), (second.clone(), second));
}

#[tokio::test(flavor = "multi_thread")]
async fn bids_published_out_of_order_are_shown_in_order() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    let placed = stage.accept_many("lot1", 1..6).await;
    for which in [4, 2, 0, 3, 1] {
        stage.publish(&placed[which]).await;
    }
    assert_eq!(viewer.frames(5).await, frames(&placed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bid_published_twice_is_shown_once() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    let placed = stage.accept_many("lot1", 1..4).await;
    for which in [0, 0, 1, 0, 1, 2] {
        stage.publish(&placed[which]).await;
    }
    assert_eq!(viewer.frames(3).await, frames(&placed));
    let last = stage.bid("lot1", 4).await;
    assert_eq!(viewer.frame().await, last);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bid_that_was_never_published_comes_from_the_log_to_the_letter() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    let placed = stage.accept_many("lot1", 1..5).await;
    stage.publish(&placed[0]).await;
    stage.publish(&placed[3]).await;
    assert_eq!(viewer.frames(4).await, frames(&placed));
    // Or more, where the relay saw the outbox move before the messages came.
    assert!(stage.relay.stats().await["gaps_filled"].as_u64().unwrap() >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn bids_that_nobody_ever_published_are_shown_without_another_bid() {
    let stage = Stage::start().await;
    let (mut viewer, mut of_another_item) = (stage.viewer("lot1").await, stage.viewer("lot2").await);
    let mut placed = Vec::new();
    // An item that has just been opened looks twice by itself: the third time it is the outbox that tells.
    for first in [1, 4, 7] {
        placed = stage.accept_many("lot1", first..first + 3).await;
        assert_eq!(viewer.frames(3).await, frames(&placed));
    }
    for placed in &placed {
        stage.publish(placed).await;
    }
    stage.relay.until_stat("events_duplicate", 3).await;
    let (last, other) = (stage.bid("lot1", 10).await, stage.bid("lot2", 1).await);
    assert_eq!((viewer.frame().await, of_another_item.frame().await), (last, other));
    assert_eq!(stage.relay.stats().await["snapshots_sent"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_of_more_than_one_page_is_filled() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    let placed = stage.accept_many("lot1", 1..2_302).await;
    stage.publish(placed.last().unwrap()).await;
    assert_eq!(viewer.frames(placed.len()).await, frames(&placed));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_no_event_of_the_item_are_not_shown() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    let of_another_item = stage.accept("lot2", 1).await.event.to_json();
    let huge = format!("{:width$}", of_another_item.replace("lot2", "lot1"), width = 20_000);
    for message in ["", "{}", "not json", "\u{0}", &of_another_item, &huge] {
        stage.publisher.publish("bid_events.lot1", message.to_owned().into()).await.unwrap();
    }
    let unknown = stage.accept("lot1", 1).await;
    let far_ahead = unknown.event.to_json().replace("\"seq\":1", "\"seq\":99999");
    stage.publisher.publish("bid_events.lot1", far_ahead.into()).await.unwrap();
    stage.publish(&unknown).await;
    assert_eq!(viewer.frame().await, unknown.event.to_json());
    stage.relay.until_stat("events_invalid", 6).await;
    let next = stage.bid("lot1", 2).await;
    assert_eq!(viewer.frame().await, next);
}
