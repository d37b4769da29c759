//! The gatekeeper: who opens Redis for bids, when, and in which epoch.

use auction::Position;

use crate::{
    given::{deliveries, event},
    redis,
    rig::Rig,
    wait::{until_equal, until_ok},
};

async fn until_open(rig: &Rig) {
    until_equal("open", Some(true), async || rig.ledger.is_open().await.ok()).await;
}

#[tokio::test]
async fn a_fresh_system_starts_in_epoch_one_and_a_restarted_redis_goes_on_in_the_next() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    assert_eq!(rig.place("lot", 1).await.event.position, Position { epoch: 1, seq: 1 });
    rig.redis.kill().await.unwrap();
    worker.until_missing("bids").await;
    rig.redis.start().await.unwrap();
    until_open(&rig).await;
    assert_eq!(rig.place("lot", 2).await.event.position, Position { epoch: 2, seq: 2 });
    assert_eq!(rig.place("new", 1).await.event.position, Position { epoch: 2, seq: 1 });
    worker.stop().await;
}

#[tokio::test]
async fn a_blank_redis_gets_a_higher_epoch_than_any_row() {
    let rig = Rig::start().await;
    let mut archived = event("lot", 3);
    archived.position.epoch = 5;
    rig.database.sink.store(&deliveries(&[archived, event("other", 9)])).await.unwrap();
    let worker = rig.worker().await;
    let placed = rig.place("lot", 4).await;
    assert_eq!(placed.event.position, Position { epoch: 6, seq: 4 });
    rig.publish(&placed).await;
    rig.until_archived(3).await;
    let row = "SELECT concat_ws(' ', epoch, seq, current_bid, bid_count) FROM items WHERE item_id = 'lot'";
    assert_eq!(rig.database.text(row).await, "6 4 0.04 2");
    worker.stop().await;
}

/// Without a pause in which the worker could see Redis away.
async fn check_that_a_wiped_redis_opens_in_a_new_epoch(wipe: &str) {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    assert_eq!(rig.place("lot", 1).await.event.position.epoch, 1);
    redis::send(&rig.redis, wipe).await;
    until_open(&rig).await;
    assert_eq!(rig.place("lot", 1).await.event.position, Position { epoch: 2, seq: 1 });
    worker.until_ready().await;
    worker.stop().await;
}

#[tokio::test]
async fn a_redis_wiped_before_any_bid_was_archived_opens_in_a_new_epoch() {
    check_that_a_wiped_redis_opens_in_a_new_epoch("FLUSHALL").await;
}

#[tokio::test]
async fn a_redis_that_forgot_its_script_too_opens_in_a_new_epoch() {
    check_that_a_wiped_redis_opens_in_a_new_epoch("MULTI\nFLUSHALL\nSCRIPT FLUSH\nEXEC").await;
}

#[tokio::test]
async fn a_redis_laid_out_for_another_number_of_shards_is_named_until_it_is_right_again() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    redis::send(&rig.redis, "SET a:shards 32").await;
    worker.until_missing("bids").await;
    let (_, body) = worker.get("/ready").await;
    assert!(body.contains("laid out for 32 shards"), "{body}");
    redis::send(&rig.redis, "SET a:shards 64").await;
    worker.until_ready().await;
    worker.stop().await;
}

#[tokio::test]
async fn a_redis_that_restarts_while_postgres_is_away_stays_closed_until_it_is_back() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    rig.place("lot", 1).await;
    rig.database.server.kill().await.unwrap();
    rig.redis.kill().await.unwrap();
    rig.redis.start().await.unwrap();
    let told = async || worker.get("/ready").await.1.contains("closed until PostgreSQL");
    until_equal("the reason", true, told).await;
    assert!(!until_ok("Redis", async || rig.ledger.is_open().await).await);
    rig.database.server.start().await.unwrap();
    until_open(&rig).await;
    assert_eq!(rig.place("lot", 2).await.event.position, Position { epoch: 2, seq: 2 });
    worker.stop().await;
}

#[tokio::test]
async fn reopened_unverified_redis_judges_without_postgres_in_an_epoch_above_all_others() {
    let rig = Rig::start().await;
    let worker = rig.worker_with(|config| config.reopens_unverified = true).await;
    rig.place("lot", 1).await;
    rig.database.server.kill().await.unwrap();
    rig.redis.kill().await.unwrap();
    rig.redis.start().await.unwrap();
    until_open(&rig).await;
    let Position { epoch, seq } = rig.place("lot", 2).await.event.position;
    assert!(epoch > 1_000_000_000 && seq == 2, "{epoch} {seq}");
    rig.database.server.start().await.unwrap();
    rig.until_archived(2).await;
    rig.redis.kill().await.unwrap();
    rig.redis.start().await.unwrap();
    until_open(&rig).await;
    assert_eq!(rig.place("lot", 3).await.event.position, Position { epoch: epoch + 1, seq: 3 });
    worker.stop().await;
}
