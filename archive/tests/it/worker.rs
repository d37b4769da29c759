use std::time::{Duration, Instant};

use archive::Delivery;
use auction::Position;
use ledger::Placed;

use crate::{
    given::event,
    rig::Rig,
    wait::{until_equal, until_equal_within},
};

fn delivery_of(placed: &Placed) -> Delivery {
    Delivery::read(placed.event.to_json().as_bytes(), Some(placed.outbox_id.clone())).unwrap()
}

#[tokio::test]
async fn every_accepted_bid_becomes_a_row_and_leaves_the_outbox() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let placed = rig.place_many(1..300).await;
    rig.publish_all(&placed).await;
    rig.until_archived(299).await;
    until_equal("unfinished", Some((0, 0)), async || rig.unfinished().await).await;
    assert_eq!(worker.metric("archived_total").await, 299);
    assert_eq!(worker.metric("reconciled_total").await, 0);
    let archive = archive::Archive::new(&rig.database.url);
    let of_item: Vec<_> =
        placed.into_iter().map(|placed| placed.event).filter(|event| event.item_id.as_str() == "item_2").collect();
    let found = archive.bids_after(&crate::given::item("item_2"), Position::default(), None, 1_000).await.unwrap();
    assert_eq!(found, of_item);
    worker.stop().await;
}

#[tokio::test]
async fn bids_that_trickle_in_share_transactions() {
    /// From when a batch came that was not full until the worker takes the next one.
    const PAUSE: Duration = Duration::from_millis(20);
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let placed = rig.place_many(1..100).await;
    let begun = Instant::now();
    for placed in &placed {
        rig.publish(placed).await;
        tokio::time::sleep(PAUSE / 10).await;
    }
    rig.until_archived(99).await;
    let most = begun.elapsed().as_millis() / PAUSE.as_millis() + 2;
    let transactions = rig.database.text("SELECT count(DISTINCT xmin::text)::text FROM bids").await;
    assert!(transactions.parse::<u128>().unwrap() <= most, "{transactions} of at most {most}");
    worker.stop().await;
}

#[tokio::test]
async fn a_worker_that_died_between_commit_and_ack_leaves_no_double_row_and_no_outbox_entry() {
    let rig = Rig::start().await;
    rig.worker().await.stop().await;
    let placed = rig.place_many(1..50).await;
    rig.publish_all(&placed).await;
    // What a worker does before it dies: the rows are committed, the outbox and JetStream do not know.
    let deliveries: Vec<_> = placed.iter().map(delivery_of).collect();
    rig.database.sink.store(&deliveries).await.unwrap();
    assert_eq!(rig.ledger.outbox_length().await.unwrap(), 49);
    let worker = rig.worker().await;
    rig.until_archived(49).await;
    worker.until_metric("duplicates_total", 49).await;
    assert_eq!(worker.metric("archived_total").await, 0);
    until_equal("unfinished", Some((0, 0)), async || rig.unfinished().await).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_divergent_event_is_counted_and_stays_in_the_outbox() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let standing = event("lot", 1);
    rig.database.sink.store(&[Delivery::read(standing.to_json().as_bytes(), None).unwrap()]).await.unwrap();
    let impostor = rig.place("lot", 1).await;
    let next = rig.place("lot", 2).await;
    rig.publish_all(&[impostor.clone(), next]).await;
    worker.until_metric("divergent_total", 1).await;
    until_equal("unfinished", Some((0, 0)), async || rig.unfinished().await).await;
    until_equal("outbox", Some(vec![impostor]), async || rig.ledger.outbox_heads(10).await.ok()).await;
    assert_eq!(worker.metric("divergent_total").await, 1);
    worker.stop().await;
}

#[tokio::test]
async fn two_workers_share_the_work_and_store_each_bid_once() {
    let rig = Rig::start().await;
    let (one, other) = tokio::join!(rig.worker(), rig.worker());
    let placed = rig.place_many(1..400).await;
    for placed in &placed {
        rig.publish(placed).await;
        rig.publish(placed).await;
    }
    rig.until_archived(399).await;
    until_equal("unfinished", Some((0, 0)), async || rig.unfinished().await).await;
    let sum = async |name| one.metric(name).await + other.metric(name).await;
    until_equal("archived", 399, async || sum("archived_total").await).await;
    // More when a reconciler was first: then both messages of a bid find its row there.
    assert!(sum("duplicates_total").await >= 399);
    tokio::join!(one.stop(), other.stop());
}

#[tokio::test]
async fn what_was_fetched_and_not_stored_is_given_back_at_the_end() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    rig.database.server.kill().await.unwrap();
    let placed = rig.place_many(1..700).await;
    rig.publish_all(&placed).await;
    worker.until_missing("PostgreSQL").await;
    worker.stop().await;
    rig.database.server.start().await.unwrap();
    assert_eq!(rig.database.bids().await, 0);
    let worker = rig.worker().await;
    // Half of the 30 s after which JetStream delivers again by itself.
    let bids = async || rig.database.bids().await;
    until_equal_within(Duration::from_secs(15), "bids in PostgreSQL", 699, bids).await;
    worker.stop().await;
}

#[tokio::test]
async fn events_that_nats_never_got_are_archived_from_the_outbox() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    rig.place_many(1..60).await;
    rig.until_archived(59).await;
    until_equal("unfinished", Some((0, 0)), async || rig.unfinished().await).await;
    assert_eq!(worker.metric("reconciled_total").await, 59);
    worker.stop().await;
}

#[tokio::test]
async fn events_are_archived_from_the_outbox_while_nats_is_dead() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    rig.nats.kill().await.unwrap();
    rig.place_many(1..60).await;
    rig.until_archived(59).await;
    until_equal("outbox", 0, async || rig.ledger.outbox_length().await.unwrap()).await;
    worker.stop().await;
}
