//! Redis and NATS come and go.

use crate::client::{Client, refused};
use crate::stage::{Relay, Stage, frames, until};

#[tokio::test(flavor = "multi_thread")]
async fn after_nats_was_killed_viewers_are_shown_what_they_missed_without_waiting_for_another_bid() {
    let stage = Stage::start().await;
    let mut viewers = Vec::new();
    for _ in 0..5 {
        viewers.push(stage.viewer("lot1").await);
    }
    let before = stage.bid("lot1", 1).await;
    stage.nats.kill().await.unwrap();
    let unpublished = stage.accept_many("lot1", 2..7).await;
    stage.nats.start().await.unwrap();
    for viewer in &mut viewers {
        assert_eq!(viewer.frame().await, before);
        assert_eq!(viewer.frames(5).await, frames(&unpublished));
    }
    until("the publisher is back", async || {
        stage.publisher.connection_state() == async_nats::connection::State::Connected
    })
    .await;
    let after = stage.bid("lot1", 8).await;
    for viewer in &mut viewers {
        assert_eq!(viewer.frame().await, after);
    }
    assert_eq!(stage.relay.stats().await["snapshots_sent"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn started_before_nats_the_relay_serves_snapshots_and_goes_live_by_itself() {
    let stage = Stage::start().await;
    stage.bid("lot1", 100).await;
    stage.nats.kill().await.unwrap();
    let relay = Relay::start(&stage.redis, &stage.nats, |_| {}).await;
    let health = reqwest::get(relay.url("/health")).await.unwrap();
    assert_eq!(health.status(), 200);
    let mut viewer = Client::connect(relay.address, "lot1").await;
    assert_eq!(viewer.connected["seq"], 1);
    assert_eq!(relay.stats().await["nats_connected"], false);
    let unpublished = stage.accept("lot1", 101).await;
    stage.nats.start().await.unwrap();
    assert_eq!(viewer.frame().await, unpublished.event.to_json());
    until("the publisher is back", async || {
        stage.publisher.connection_state() == async_nats::connection::State::Connected
    })
    .await;
    let live = stage.bid("lot1", 102).await;
    assert_eq!(viewer.frame().await, live);
    assert_eq!(relay.stats().await["nats_connected"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_new_viewers_are_told_to_come_back_and_those_of_a_known_item_are_served() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    let bid = stage.bid("lot1", 5).await;
    assert_eq!(viewer.frame().await, bid);
    stage.redis.kill().await.unwrap();
    let close = refused(stage.relay.address, "lot2").await;
    assert_eq!(u16::from(close.code), 1013);
    assert!(close.reason.contains("come back in"), "{}", close.reason);
    let joined = stage.viewer("lot1").await;
    assert_eq!(joined.connected["seq"], 1);
    stage.redis.start().await.unwrap();
    let recovered = stage.viewer("lot2").await;
    assert_eq!(recovered.connected["seq"], 0);
    drop(viewer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_that_opens_while_redis_is_away_is_filled_when_it_is_back() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    let placed = stage.accept_many("lot1", 1..4).await;
    stage.redis.kill().await.unwrap();
    stage.publish(&placed[0]).await;
    stage.publish(&placed[2]).await;
    assert_eq!(viewer.frame().await, placed[0].event.to_json());
    // It is no gap if the relay saw the outbox move before Redis was gone.
    let has_come = async || {
        let stats = stage.relay.stats().await;
        ["events_held", "events_duplicate"].iter().any(|name| stats[name].as_u64().unwrap() > 0)
    };
    until("the last message has come", has_come).await;
    stage.redis.start().await.unwrap();
    assert_eq!(viewer.frames(2).await, frames(&placed[1..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nats_is_away_viewers_go_on_seeing_bids_and_nothing_twice_when_it_is_back() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    let mut placed = Vec::new();
    stage.nats.kill().await.unwrap();
    until("the relay has noticed", async || stage.relay.stats().await["nats_connected"] == false).await;
    for amount in 1..6 {
        placed.push(stage.accept("lot1", amount).await);
        assert_eq!(viewer.frame().await, placed.last().unwrap().event.to_json());
    }
    let mut of_new_item = stage.viewer("lot2").await;
    let new = stage.accept("lot2", 1).await;
    assert_eq!(of_new_item.frame().await, new.event.to_json());

    stage.nats.start().await.unwrap();
    let is_back = |state| state == async_nats::connection::State::Connected;
    until("the publisher is back", async || is_back(stage.publisher.connection_state())).await;
    until("the relay is back", async || stage.relay.stats().await["nats_connected"] == true).await;
    let again = stage.accept("lot1", 6).await;
    placed.push(again);
    for placed in &placed {
        stage.publish(placed).await;
    }
    assert_eq!(viewer.frame().await, placed[5].event.to_json());
    let last = stage.bid("lot1", 7).await;
    assert_eq!(viewer.frame().await, last);
    assert_eq!(stage.relay.stats().await["snapshots_sent"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bids_that_nobody_published_while_redis_restarted_are_shown_when_it_is_back() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    // After two of them the relay has looked at the outboxes for certain.
    for amount in [1, 2] {
        let unpublished = stage.accept("lot1", amount).await;
        assert_eq!(viewer.frame().await, unpublished.event.to_json());
    }
    stage.redis.kill().await.unwrap();
    let failures = async || {
        let metrics = reqwest::get(stage.relay.url("/metrics")).await.unwrap().text().await.unwrap();
        !metrics.contains("relay_mark_reads_failed_total 0\n")
    };
    until("the relay has noticed", failures).await;
    stage.redis.start().await.unwrap();
    stage.ledger.open(1).await.unwrap();
    stage.ledger.ping().await.unwrap();
    let unpublished = stage.accept_many("lot1", 3..5).await;
    assert_eq!(viewer.frames(2).await, frames(&unpublished));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_and_redis_viewers_are_told_that_what_they_see_may_be_old() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    let first = stage.bid("lot1", 1).await;
    assert_eq!(viewer.frame().await, first);
    stage.nats.kill().await.unwrap();
    stage.redis.kill().await.unwrap();
    assert_eq!(viewer.frame().await, r#"{"type":"stale","itemId":"lot1"}"#);
    let mut newcomer = stage.viewer("lot1").await;
    assert_eq!(newcomer.connected["current_bid"], 0.01);
    assert_eq!(newcomer.frame().await, r#"{"type":"stale","itemId":"lot1"}"#);
    // One of the two is enough.
    stage.redis.start().await.unwrap();
    stage.ledger.open(1).await.unwrap();
    stage.ledger.ping().await.unwrap();
    for viewer in [&mut viewer, &mut newcomer] {
        assert_eq!(viewer.frame().await, r#"{"type":"live","itemId":"lot1"}"#);
    }
    let unpublished = stage.accept("lot1", 2).await;
    for viewer in [&mut viewer, &mut newcomer] {
        assert_eq!(viewer.frame().await, unpublished.event.to_json());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_and_redis_for_long_viewers_are_told_to_come_back() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    let first = stage.bid("lot1", 1).await;
    assert_eq!(viewer.frame().await, first);
    stage.nats.kill().await.unwrap();
    stage.redis.pause().unwrap();
    let (frames, close) = viewer.until_closed().await;
    assert_eq!(frames, [r#"{"type":"stale","itemId":"lot1"}"#]);
    assert!(u16::from(close.code) == 1013 && close.reason.contains("come back"), "{close:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nats_hangs_viewers_go_on_seeing_bids_and_are_warned_only_when_redis_is_away_too() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    stage.nats.pause().unwrap();
    // The connection to NATS looks healthy all the time.
    let first = stage.accept("lot1", 1).await;
    assert_eq!(viewer.frame().await, first.event.to_json());
    stage.redis.pause().unwrap();
    assert_eq!(viewer.frame().await, r#"{"type":"stale","itemId":"lot1"}"#);
    stage.redis.resume().unwrap();
    assert_eq!(viewer.frame().await, r#"{"type":"live","itemId":"lot1"}"#);
    let second = stage.accept("lot1", 2).await;
    assert_eq!(viewer.frame().await, second.event.to_json());
    stage.redis.pause().unwrap();
    assert_eq!(viewer.frame().await, r#"{"type":"stale","itemId":"lot1"}"#);
    stage.nats.resume().unwrap();
    assert_eq!(viewer.frame().await, r#"{"type":"live","itemId":"lot1"}"#);
    stage.redis.resume().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_before_an_item_is_opened_takes_nobody_along() {
    // So that viewers of one item sit in both shards, where their seats have the same numbers.
    let stage = Stage::start_with(|config| config.spread_above = 1).await;
    stage.redis.pause().unwrap();
    let opening = (0..8).map(|_| crate::client::open(stage.relay.address, "/ws/items/lot1"));
    let mut waiting = futures_util::future::join_all(opening).await;
    until("all wait", async || stage.relay.stats().await["subscribers"] == 8).await;
    drop(waiting.split_off(4));
    until("half have left", async || stage.relay.stats().await["subscribers"] == 4).await;
    stage.redis.resume().unwrap();
    for viewer in &mut waiting {
        // Or they are told to come back, if it took too long.
        let first = futures_util::StreamExt::next(viewer);
        assert!(tokio::time::timeout(crate::stage::DEADLINE, first).await.expect("one is forgotten").is_some());
    }
}
