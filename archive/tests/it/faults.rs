use std::sync::atomic::{AtomicBool, Ordering};

use crate::{
    rig::Rig,
    wait::{until_equal, until_ok},
};

#[tokio::test]
async fn bids_go_on_while_postgres_is_killed_and_all_rows_stand_after_its_restart() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    rig.publish_all(&rig.place_many(1..50).await).await;
    rig.until_archived(49).await;
    rig.database.server.kill().await.unwrap();
    rig.publish_all(&rig.place_many(50..100).await).await;
    worker.until_missing("PostgreSQL").await;
    assert_eq!(rig.ledger.outbox_length().await.unwrap(), 50, "nothing leaves the outbox before its commit");
    assert_eq!(worker.get("/health").await.0, 200);
    rig.database.server.start().await.unwrap();
    rig.until_archived(99).await;
    worker.until_ready().await;
    assert_ne!(worker.metric("last_error_timestamp_seconds").await, 0);
    worker.stop().await;
}

#[tokio::test]
async fn bids_go_on_while_postgres_hangs_and_all_rows_stand_when_it_answers_again() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    rig.publish_all(&rig.place_many(1..50).await).await;
    rig.until_archived(49).await;
    rig.database.server.pause().unwrap();
    rig.publish_all(&rig.place_many(50..100).await).await;
    worker.until_missing("PostgreSQL").await;
    assert_eq!(rig.ledger.outbox_length().await.unwrap(), 50);
    rig.database.server.resume().unwrap();
    rig.until_archived(99).await;
    worker.stop().await;
}

/// Bids go on, nothing leaves the outbox and nothing is set aside, until PostgreSQL is as it was.
async fn check_that_it_is_waited_out(spoil: &'static str, mend: &'static str) {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    rig.publish_all(&rig.place_many(1..50).await).await;
    rig.until_archived(49).await;
    sqlx::raw_sql(spoil).execute(&rig.database.pool).await.unwrap();
    // Settings of the database hold for new sessions.
    rig.database.server.kill().await.unwrap();
    rig.database.server.start().await.unwrap();
    let placed = rig.place_many(50..100).await;
    // Half of them are the reconciler's.
    rig.publish_all(&placed[..25]).await;
    worker.until_missing("PostgreSQL").await;
    assert_eq!(rig.ledger.outbox_length().await.unwrap(), 50);
    sqlx::raw_sql(mend).execute(&rig.database.pool).await.unwrap();
    rig.until_archived(99).await;
    worker.until_ready().await;
    assert_eq!(rig.database.text("SELECT count(*)::text FROM quarantine").await, "0");
    worker.stop().await;
}

#[tokio::test]
async fn a_postgres_that_has_become_read_only_is_waited_out() {
    check_that_it_is_waited_out(
        "ALTER DATABASE bidding SET default_transaction_read_only = on",
        "BEGIN READ WRITE; ALTER DATABASE bidding RESET default_transaction_read_only; COMMIT",
    )
    .await;
}

#[tokio::test]
async fn a_postgres_whose_disk_is_full_is_waited_out() {
    // What it says then, from the place where it would say it.
    check_that_it_is_waited_out(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
         CREATE TRIGGER full_disk BEFORE INSERT ON events EXECUTE FUNCTION full_disk()",
        "DROP TRIGGER full_disk ON events",
    )
    .await;
}

#[tokio::test]
async fn postgres_killed_in_the_middle_of_the_work_loses_and_doubles_nothing() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let done = AtomicBool::new(false);
    let bids = async {
        rig.publish_all(&rig.place_many(1..600).await).await;
        done.store(true, Ordering::Relaxed);
    };
    let nemesis = async {
        while !done.load(Ordering::Relaxed) {
            let before = worker.metric("batches_total").await;
            rig.database.server.kill().await.unwrap();
            rig.database.server.start().await.unwrap();
            let moved_on = async || worker.metric("batches_total").await > before || done.load(Ordering::Relaxed);
            until_equal("the work goes on", true, moved_on).await;
        }
    };
    tokio::join!(bids, nemesis);
    rig.until_archived(599).await;
    worker.stop().await;
}

#[tokio::test]
async fn rows_are_stored_while_redis_is_away_and_leave_the_outbox_later() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let placed = rig.place_many(1..50).await;
    rig.redis.kill().await.unwrap();
    rig.publish_all(&placed).await;
    until_equal("bids in PostgreSQL", 49, async || rig.database.bids().await).await;
    worker.until_missing("outbox").await;
    // Each ack comes after its try to delete, so from here on only later tries can succeed; not the reconciler's, which
    // deletes only what it has stored again.
    until_equal("unfinished", Some((0, 0)), async || rig.unfinished().await).await;
    rig.database.server.kill().await.unwrap();
    rig.redis.start().await.unwrap();
    until_equal("outbox", Some(0), async || rig.ledger.outbox_length().await.ok()).await;
    rig.database.server.start().await.unwrap();
    rig.until_archived(49).await;
    worker.until_ready().await;
    worker.stop().await;
}

#[tokio::test]
async fn a_worker_killed_in_the_middle_of_the_work_loses_and_doubles_nothing() {
    let rig = Rig::start().await;
    rig.worker().await.stop().await;
    rig.publish_all(&rig.place_many(1..1_000).await).await;
    let worker = rig.start_worker().await;
    until_equal("some rows", true, async || rig.database.bids().await > 0).await;
    worker.abort().await;
    let worker = rig.worker().await;
    rig.until_archived(999).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_worker_that_starts_before_everything_else_waits_for_it() {
    let rig = Rig::start().await;
    for server in [&rig.redis, &rig.nats, &rig.database.server] {
        server.stop().await.unwrap();
    }
    let worker = rig.start_worker().await;
    worker.until_missing("PostgreSQL").await;
    assert_eq!(worker.get("/health").await.0, 200);
    rig.database.server.start().await.unwrap();
    worker.until_missing("NATS").await;
    rig.redis.start().await.unwrap();
    // Bids need no NATS.
    until_ok("a bid", async || {
        rig.ledger.place_bid(&crate::given::bid("item_1", 1), ledger::NewIds::random(), true).await
    })
    .await;
    rig.nats.start().await.unwrap();
    worker.until_ready().await;
    worker.stop().await;
}
