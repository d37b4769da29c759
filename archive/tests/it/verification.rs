//! What becomes of a Redis that has lost something before it judges again.

use auction::{AuctionEvent, Position};
use ledger::Placed;
use local::{Role, Server, testing};
use tokio::time::{Duration, sleep};

use crate::{
    redis,
    rig::{Rig, Worker},
    tail,
    wait::{until_equal, until_ok},
};

async fn until_open(rig: &Rig) {
    until_equal("open", Some(true), async || rig.ledger.is_verified().await.ok()).await;
}

fn position(epoch: u64, seq: u64) -> Position {
    Position { epoch, seq }
}

async fn bids_of_lot(rig: &Rig, prices: std::ops::RangeInclusive<u64>) -> Vec<Placed> {
    let mut placed = Vec::new();
    for price in prices {
        placed.push(rig.place("lot", price).await);
    }
    placed
}

fn events(placed: &[Placed]) -> Vec<AuctionEvent> {
    placed.iter().map(|placed| placed.event.clone()).collect()
}

/// Everything that PostgreSQL knows, to see that nothing of it changes.
async fn rows(rig: &Rig) -> String {
    let rows = "SELECT string_agg(events::text, E'\\n' ORDER BY item_id, epoch, seq) FROM events";
    rig.database.text(rows).await
}

/// The log of the item, from its start.
async fn log(rig: &Rig) -> Vec<AuctionEvent> {
    rig.ledger.log_head(&crate::given::item("lot"), 1_000).await.unwrap()
}

async fn lost(rig: &Rig, worker: &Worker, count: u64) {
    worker.until_metric("lost_total", count).await;
    let named = "SELECT count(*)::text FROM quarantine WHERE reason = 'lost' AND event_id IS NOT NULL";
    assert_eq!(rig.database.text(named).await, count.to_string());
}

#[tokio::test]
async fn what_redis_lost_and_postgres_has_is_restored_and_goes_on_in_a_new_epoch() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let mut placed = bids_of_lot(&rig, 1..=7).await;
    let moment = tail::moment(&rig.redis).await;
    placed.extend(bids_of_lot(&rig, 8..=10).await);
    rig.publish_all(&placed).await;
    rig.until_archived(10).await;
    let before = rows(&rig).await;
    moment.restore(&rig.redis).await;
    until_open(&rig).await;
    assert_eq!(rows(&rig).await, before, "PostgreSQL was ahead and is as it was");
    assert_eq!(log(&rig).await, events(&placed));
    let standing = rig.ledger.standing(&crate::given::item("lot")).await.unwrap().state();
    assert_eq!(
        (standing.position, standing.bid_count, standing.current_bid().minor_units()),
        (position(2, 10), 10, 10)
    );
    assert_eq!(rig.place("lot", 11).await.event.position, position(2, 11));
    worker.until_metric("restored_items_total", 1).await;
    worker.stop().await;
}

#[tokio::test]
async fn what_redis_lost_and_only_the_stream_has_is_archived_before_anything_is_judged() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let mut placed = bids_of_lot(&rig, 1..=5).await;
    let moment = tail::moment(&rig.redis).await;
    placed.extend(bids_of_lot(&rig, 6..=9).await);
    // Delivered to a worker that dies before it could store them: to others they come only after half a minute.
    rig.database.server.pause().unwrap();
    rig.publish_all(&placed).await;
    until_equal("delivered", Some((9, 0)), async || rig.unfinished().await).await;
    worker.abort().await;
    rig.database.server.resume().unwrap();
    moment.restore(&rig.redis).await;
    let worker = rig.start_worker().await;
    until_open(&rig).await;
    assert_eq!(rig.database.bids().await, 9);
    assert_eq!(rig.place("lot", 10).await.event.position, position(2, 10));
    assert_eq!(worker.metric("lost_total").await, 0);
    worker.stop().await;
}

#[tokio::test]
async fn what_redis_lost_and_nobody_has_is_named_and_counted_when_it_turns_up() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let kept = bids_of_lot(&rig, 1..=7).await;
    let moment = tail::moment(&rig.redis).await;
    let lost_bids = bids_of_lot(&rig, 8..=10).await;
    moment.restore(&rig.redis).await;
    until_open(&rig).await;
    let next = rig.place("lot", 8).await;
    assert_eq!(next.event.position, position(2, 8), "the place of a lost bid, in another epoch");
    rig.publish_all(&lost_bids).await;
    rig.publish_all(&[kept.as_slice(), &[next]].concat()).await;
    rig.until_archived(8).await;
    lost(&rig, &worker, 3).await;
    // Once, however often it comes.
    rig.publish_all(&lost_bids).await;
    until_equal("unfinished", Some((0, 0)), async || rig.unfinished().await).await;
    lost(&rig, &worker, 3).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_wiped_redis_gets_every_item_back_with_the_end_of_its_log() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let placed = bids_of_lot(&rig, 1..=300).await;
    let others = rig.place_many(1..50).await;
    rig.publish_all(&placed).await;
    rig.publish_all(&others).await;
    rig.until_archived(349).await;
    redis::send(&rig.redis, "FLUSHALL").await;
    until_open(&rig).await;
    worker.until_metric("restored_items_total", 6).await;
    assert_eq!(rig.place("lot", 301).await.event.position, position(2, 301));
    let log = log(&rig).await;
    assert_eq!(log[..log.len() - 1], events(&placed)[301 - log.len()..]);
    let price = redis::ask(&rig.redis, "GET item:item_3:current_bid").await;
    assert!(price.contains("0.48"), "{price}");
    assert_eq!(rig.place("item_3", 49).await.event.position, position(2, 11));
    worker.stop().await;
}

/// A second Redis that follows the first.
async fn replica_of(redis: &Server) -> Server {
    let replica = testing::redis().await;
    follow(&replica, redis).await;
    replica
}

async fn follow(follower: &Server, primary: &Server) {
    let (address, password) = (primary.address().replace(':', " "), primary.password_of(Role::Operator));
    let login = format!("CONFIG SET masteruser operator\nCONFIG SET masterauth {password}");
    redis::send(follower, &format!("{login}\nREPLICAOF {address}")).await;
    until_equal("in step", true, async || redis::ask(follower, "INFO replication").await.contains("link_status:up"))
        .await;
}

#[tokio::test]
async fn a_primary_that_followed_another_and_came_back_is_verified_although_it_kept_the_script() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let mut placed = bids_of_lot(&rig, 1..=5).await;
    let other = replica_of(&rig.redis).await;
    redis::send(&other, "REPLICAOF NO ONE").await;
    placed.extend(bids_of_lot(&rig, 6..=8).await);
    rig.publish_all(&placed).await;
    rig.until_archived(8).await;
    // The other becomes the primary without the last three, and hands over to the first again.
    follow(&rig.redis, &other).await;
    redis::send(&rig.redis, "REPLICAOF NO ONE").await;
    until_open(&rig).await;
    worker.until_metric("restored_items_total", 1).await;
    let Position { epoch, seq } = rig.place("lot", 9).await.event.position;
    assert!(epoch > 1 && seq == 9, "{epoch} {seq}");
    assert_eq!(log(&rig).await.len(), 9);
    worker.stop().await;
}

#[tokio::test]
async fn a_promoted_replica_that_lacks_the_last_bids_is_restored() {
    let rig = Rig::start().await;
    rig.worker().await.stop().await;
    let mut placed = bids_of_lot(&rig, 1..=5).await;
    let replica = replica_of(&rig.redis).await;
    redis::send(&replica, "REPLICAOF NO ONE").await;
    placed.extend(bids_of_lot(&rig, 6..=8).await);
    rig.publish_all(&placed).await;
    rig.redis.kill().await.unwrap();
    // Everything that reached the old primary finds the replica from now on.
    let promoted = ledger::Ledger::new(&replica.url()).unwrap();
    assert!(!promoted.is_open().await.unwrap(), "a replica has no script");
    let worker = rig.worker_with(|config| config.redis_url = replica.url_of(Role::Worker)).await;
    let bid = crate::given::bid("lot", 9);
    let judged = until_ok("a bid", async || promoted.place_bid(&bid, ledger::NewIds::random(), true).await).await;
    assert_eq!(judged.item.position, position(2, 9));
    worker.stop().await;
}

#[tokio::test]
async fn a_verifier_killed_at_any_moment_leaves_redis_closed_and_the_next_one_finishes() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let placed = rig.place_many(1..400).await;
    rig.publish_all(&placed).await;
    rig.until_archived(399).await;
    worker.stop().await;
    for milliseconds in 0..12 {
        redis::send(&rig.redis, "FLUSHALL").await;
        let worker = rig.start_worker().await;
        sleep(Duration::from_millis(milliseconds * 4)).await;
        worker.abort().await;
    }
    let worker = rig.worker().await;
    for (number, last) in [(0, 395), (1, 396), (2, 397), (3, 398), (4, 399)] {
        let name = format!("item_{number}");
        let state = rig.ledger.standing(&crate::given::item(&name)).await.unwrap().state();
        assert_eq!(state.current_bid().minor_units(), last, "{name}");
        assert!(rig.place(&name, last + 1).await.event.position.seq >= 80);
    }
    worker.stop().await;
}

#[tokio::test]
async fn two_workers_that_verify_at_once_give_no_position_twice() {
    let rig = Rig::start().await;
    let (one, other) = tokio::join!(rig.worker(), rig.worker());
    let mut placed = rig.place_many(1..200).await;
    rig.publish_all(&placed).await;
    rig.until_archived(199).await;
    for round in 0..5 {
        redis::send(&rig.redis, "MULTI\nFLUSHALL\nSCRIPT FLUSH\nEXEC").await;
        for price in 200 + round * 20..220 + round * 20 {
            let bid = crate::given::bid(&format!("item_{}", price % 5), price);
            let place = async || rig.ledger.place_bid(&bid, ledger::NewIds::random(), true).await;
            let judged = until_ok("a bid", place).await;
            placed.extend(judged.events);
        }
        rig.publish_all(&placed[placed.len() - 20..]).await;
        rig.until_archived(i64::try_from(placed.len()).unwrap()).await;
    }
    assert_eq!(placed.len(), 299);
    assert_eq!(one.metric("divergent_total").await + other.metric("divergent_total").await, 0);
    assert_eq!(one.metric("lost_total").await + other.metric("lost_total").await, 0);
    tokio::join!(one.stop(), other.stop());
}
