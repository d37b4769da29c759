//! The logs, which keep no more than they should, and nothing less.

use crate::{
    given::item,
    rig::{LOG_KEPT, Rig},
    wait::until_equal,
};

async fn log_length(rig: &Rig) -> usize {
    rig.ledger.log_lengths(&[item("lot")]).await.unwrap()[0]
}

#[tokio::test]
async fn a_log_keeps_its_last_events_once_the_others_are_archived() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    rig.database.server.pause().unwrap();
    for price in 1..=700 {
        let placed = rig.place("lot", price).await;
        rig.publish(&placed).await;
    }
    worker.until_missing("PostgreSQL").await;
    assert_eq!(log_length(&rig).await, 700, "nothing is archived yet");
    rig.database.server.resume().unwrap();
    until_equal("log", LOG_KEPT, async || log_length(&rig).await).await;
    let log = rig.ledger.log_head(&item("lot"), 1_000).await.unwrap();
    assert_eq!(log.iter().map(|event| event.position.seq).collect::<Vec<_>>(), (651..=700).collect::<Vec<u64>>());
    rig.until_archived(700).await;
    worker.stop().await;
}

#[tokio::test]
async fn an_event_that_is_not_archived_keeps_all_behind_it_in_the_log() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let refusal = "ALTER TABLE bids ADD CONSTRAINT refused CHECK (amount <> 1.00)";
    sqlx::query(refusal).execute(&rig.database.pool).await.unwrap();
    for price in 1..=300 {
        let placed = rig.place("lot", price).await;
        rig.publish(&placed).await;
    }
    until_equal("log", 201, async || log_length(&rig).await).await;
    assert_eq!(rig.ledger.log_head(&item("lot"), 1).await.unwrap()[0].position.seq, 100);
    assert_eq!(rig.database.bids().await, 299);
    worker.stop().await;
}
