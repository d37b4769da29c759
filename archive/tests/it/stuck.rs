//! Outbox entries that must stay, and the bids behind them.

use std::ops::Range;

use archive::Delivery;
use ledger::Placed;
use uuid::Uuid;

use crate::{
    given::event,
    log::{self, Log},
    redis,
    rig::{Rig, Worker},
    wait::until_equal,
};

/// In shard 24, whose outbox is `OUTBOX`.
const ITEM: &str = "contested_item_1";
const OUTBOX: &str = "a:{s24}:out";

impl Log {
    fn errors_with(&self, text: &str) -> usize {
        self.text().lines().filter(|line| line.contains("ERROR") && line.contains(text)).count()
    }
}

/// Bids that NATS never hears of, so that only the reconciler can bring them.
async fn unpublished(rig: &Rig, prices: Range<u64>) -> Vec<Placed> {
    let mut placed = Vec::new();
    for price in prices {
        placed.push(rig.place(ITEM, price).await);
    }
    placed
}

/// Other events of the same positions stand in PostgreSQL.
async fn contradicted(rig: &Rig, prices: Range<u64>) -> Vec<Placed> {
    let standing = |seq| Delivery::read(event(ITEM, seq).to_json().as_bytes(), None).unwrap();
    rig.database.sink.store(&prices.clone().map(standing).collect::<Vec<_>>()).await.unwrap();
    unpublished(rig, prices).await
}

/// Another bid at the end of the same outbox, which a round reaches only after all that stands before it.
async fn one_more_round(rig: &Rig, price: u64) {
    let placed = rig.place(ITEM, price).await;
    let archived = async || archived(rig, placed.event.event_id).await;
    until_equal("archived", true, archived).await;
}

async fn archived(rig: &Rig, event_id: Uuid) -> bool {
    let query = sqlx::query_scalar("SELECT EXISTS (SELECT FROM events WHERE event_id = $1)");
    query.bind(event_id).fetch_one(&rig.database.pool).await.unwrap()
}

async fn until_outbox_is(rig: &Rig, stuck: u64) {
    until_equal("outbox", Some(stuck), async || rig.ledger.outbox_length().await.ok()).await;
}

async fn check_that_it_is_ready(worker: Worker) {
    worker.until_ready().await;
    worker.stop().await;
}

#[tokio::test]
async fn what_is_no_event_keeps_no_bid_in_the_outbox_and_is_told_once() {
    let (log, _guard) = log::capture();
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    redis::send(&rig.redis, &format!("XADD {OUTBOX} 7-0 r rubbish\nXADD {OUTBOX} 7-1 other field")).await;
    unpublished(&rig, 1..11).await;
    rig.place_many(11..21).await;
    until_equal("bids in PostgreSQL", 20, async || rig.database.bids().await).await;
    until_outbox_is(&rig, 2).await;
    one_more_round(&rig, 11).await;
    until_outbox_is(&rig, 2).await;
    assert_eq!(worker.metric("unreadable_total").await, 2);
    assert_eq!((log.errors_with("24:7-0"), log.errors_with("24:7-1")), (1, 1), "{}", log.text());
    check_that_it_is_ready(worker).await;
}

#[tokio::test]
async fn more_than_a_page_of_divergent_events_keeps_no_bid_in_the_outbox_and_each_is_told_once() {
    let (log, _guard) = log::capture();
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let divergent = contradicted(&rig, 1..301).await;
    one_more_round(&rig, 301).await;
    until_outbox_is(&rig, 300).await;
    // By JetStream too.
    rig.publish_all(&divergent[..20]).await;
    until_equal("unfinished", Some((0, 0)), async || rig.unfinished().await).await;
    one_more_round(&rig, 302).await;
    until_outbox_is(&rig, 300).await;
    assert_eq!(worker.metric("divergent_total").await, 300);
    assert_eq!(log.errors_with("set aside as divergent"), 300);
    for placed in [&divergent[0], &divergent[299]] {
        assert_eq!(log.errors_with(&placed.event.event_id.to_string()), 1);
        let kept = "SELECT payload FROM quarantine WHERE reason = 'divergent' AND event_id = $1";
        let kept: Vec<u8> =
            sqlx::query_scalar(kept).bind(placed.event.event_id).fetch_one(&rig.database.pool).await.unwrap();
        assert_eq!(String::from_utf8(kept).unwrap(), placed.event.to_json());
    }
    assert_eq!(rig.database.bids().await, 302);
    check_that_it_is_ready(worker).await;
}

#[tokio::test]
async fn what_postgres_refuses_keeps_no_bid_in_the_outbox_and_is_told_once() {
    let (log, _guard) = log::capture();
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let constraint = "ALTER TABLE bids ADD CONSTRAINT refused CHECK (amount <> 0.03)";
    sqlx::query(constraint).execute(&rig.database.pool).await.unwrap();
    let placed = unpublished(&rig, 1..11).await;
    until_equal("bids in PostgreSQL", 9, async || rig.database.bids().await).await;
    rig.publish(&placed[2]).await;
    one_more_round(&rig, 11).await;
    until_outbox_is(&rig, 1).await;
    until_equal("unfinished", Some((0, 0)), async || rig.unfinished().await).await;
    assert_eq!(worker.metric("rejected_total").await, 1);
    assert_eq!(log.errors_with("not archived"), 1, "{}", log.text());
    check_that_it_is_ready(worker).await;
}
