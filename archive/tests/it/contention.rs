//! The sink beside other users of the tables.

use archive::SinkError;

use crate::{
    given::{deliveries, event},
    tables::{self, Database},
    wait::{self, until_equal, until_ok},
};

#[tokio::test]
async fn two_writers_of_the_same_rows_in_opposite_order_both_succeed() {
    let database = Database::start().await;
    for round in 0..20 {
        let events: Vec<_> =
            (1..=40).flat_map(|seq| (0..5).map(move |n| event(&format!("r{round}_{n}"), seq))).collect();
        let forward = deliveries(&events);
        let backward: Vec<_> = forward.iter().rev().cloned().collect();
        let (one, other) = tokio::join!(database.sink.store(&forward), database.sink.store(&backward));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(one.archived + other.archived, 200);
        assert_eq!(one.confirmed.len() + other.confirmed.len(), 400);
    }
    assert_eq!(database.bids().await, 4_000);
    tables::check(&database.pool).await;
}

#[tokio::test]
async fn a_postgres_that_hangs_in_the_middle_of_a_batch_is_unavailable_and_takes_the_batch_later() {
    let database = Database::start().await;
    let batch = deliveries(&[event("a", 1)]);
    let mut other = database.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE events").execute(&mut *other).await.unwrap();
    let blocked_then_hanging = async {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'events'::regclass";
        let waiters = async || sqlx::query_scalar::<_, i64>(waiting).fetch_one(&database.pool).await.unwrap();
        until_equal("a batch that waits", 1, waiters).await;
        database.server.pause().unwrap();
    };
    let both = async { tokio::join!(database.sink.store(&batch), blocked_then_hanging) };
    let (stored, ()) = tokio::time::timeout(wait::DEADLINE, both).await.unwrap();
    assert!(matches!(stored, Err(SinkError::Unavailable(_))), "{stored:?}");
    database.server.resume().unwrap();
    other.rollback().await.unwrap();
    let stored = until_ok("store", async || database.sink.store(&batch).await).await;
    assert_eq!(stored.confirmed.len(), 1);
    assert_eq!(database.bids().await, 1);
}
