use archive::{Delivery, Divergence, SinkError, Stored};
use auction::Amount;

use crate::{
    given::{amount, deliveries, delivery, event, outbox_id, with_amounts},
    tables::{self, Database},
};

#[tokio::test]
async fn a_batch_is_stored_once_however_often_it_comes() {
    let database = Database::start().await;
    let events = [event("a", 1), event("b", 1), event("a", 2)];
    let first = database.sink.store(&deliveries(&events)).await.unwrap();
    let confirmed = vec![outbox_id(1), outbox_id(1), outbox_id(2)];
    assert_eq!(first, Stored { confirmed: confirmed.clone(), archived: 3, ..Stored::default() });
    let again = database.sink.store(&deliveries(&events)).await.unwrap();
    assert_eq!(again, Stored { confirmed, duplicates: 3, ..Stored::default() });
    let new_and_old = [event("b", 2), events[0].clone()];
    let mixed = database.sink.store(&deliveries(&new_and_old)).await.unwrap();
    assert_eq!((mixed.archived, mixed.duplicates, mixed.confirmed.len()), (1, 1, 2));
    assert_eq!(database.bids().await, 4);
    tables::check(&database.pool).await;
}

/// Also by a plan that was made for any values in a database that was new, as a connection keeps it.
#[tokio::test]
async fn what_stands_is_looked_up_in_the_index() {
    let database = Database::start().await;
    let query = include_str!("../../src/sink/standing.sql");
    let explain = "SET plan_cache_mode = force_generic_plan; EXPLAIN EXECUTE standing (ARRAY['a'], ARRAY[1], ARRAY[1])";
    let plan = database.plan(format!("PREPARE standing AS {query}; {explain}")).await;
    assert!(plan.contains("Index Scan using events_pkey") && !plan.contains("Seq Scan"), "{plan}");
}

#[tokio::test]
async fn an_event_may_come_twice_in_one_batch() {
    let database = Database::start().await;
    let event = event("a", 1);
    let stored = database.sink.store(&deliveries(&[event.clone(), event.clone(), event])).await.unwrap();
    assert_eq!((stored.archived, stored.duplicates, stored.confirmed.len()), (1, 2, 3));
    assert_eq!(database.bids().await, 1);
    tables::check(&database.pool).await;
}

#[tokio::test]
async fn amounts_are_exact_from_one_unit_to_fifteen_digits() {
    let database = Database::start().await;
    let amounts = [1, 9, 10, 99, 100, 101, 10_007, 123_456_789_012_345, 900_719_925_474_099, 999_999_999_999_999];
    let events: Vec<_> = (1..)
        .zip(amounts)
        .map(|(seq, units)| with_amounts(event("a", seq), amount(units), amount(units - 1)))
        .collect();
    database.sink.store(&deliveries(&events)).await.unwrap();
    let found: Vec<(String, String)> = sqlx::query_as("SELECT amount::text, previous_bid::text FROM bids ORDER BY seq")
        .fetch_all(&database.pool)
        .await
        .unwrap();
    let expected: Vec<_> =
        amounts.iter().map(|units| (amount(*units).to_string(), amount(units - 1).to_string())).collect();
    assert_eq!(found, expected);
    assert_eq!(database.text("SELECT current_bid::text FROM items").await, "9999999999999.99");
}

#[tokio::test]
async fn the_payload_is_kept_to_the_byte_and_the_time_to_the_microsecond() {
    let database = Database::start().await;
    let newer = event("a", 1).to_json().replace("\"seq\":1", " \"seq\" : 1,\"colour\":\"r\\u00e9d é\",\"colour\":1.50");
    let delivery = Delivery::read(newer.as_bytes(), None).unwrap();
    database.sink.store(&[delivery]).await.unwrap();
    assert_eq!(database.text("SELECT payload::text FROM events").await, newer);
    let difference = "SELECT (extract(epoch FROM occurred_at) * 1000000)::bigint::text FROM events";
    assert_eq!(database.text(difference).await, "1795456063000001");
}

#[tokio::test]
async fn a_divergent_event_is_named_and_its_outbox_entry_stays() {
    let database = Database::start().await;
    let standing = event("a", 1);
    database.sink.store(&deliveries(std::slice::from_ref(&standing))).await.unwrap();
    let impostor = event("a", 1);
    let mut moved = standing.clone();
    moved.position.seq = 7;
    let batch = deliveries(&[impostor, event("a", 2), moved]);
    let stored = database.sink.store(&batch).await.unwrap();
    assert_eq!((stored.archived, stored.duplicates), (1, 0));
    assert_eq!(stored.confirmed, [outbox_id(2)]);
    let divergence = |which: usize, standing_event_id| Divergence { delivery: batch[which].clone(), standing_event_id };
    let expected = [divergence(0, Some(standing.event_id)), divergence(2, None)];
    assert_eq!(stored.divergent, expected);
    assert_eq!(database.bids().await, 2);
    tables::check(&database.pool).await;
}

#[tokio::test]
async fn an_event_of_an_epoch_before_the_latest_is_stored_only_if_it_stands_already() {
    let database = Database::start().await;
    let known = event("a", 1);
    database.sink.store(&deliveries(std::slice::from_ref(&known))).await.unwrap();
    sqlx::query("INSERT INTO epochs (epoch) VALUES (2)").execute(&database.pool).await.unwrap();
    let mut present = event("a", 2);
    present.position.epoch = 2;
    let batch = deliveries(&[known, event("a", 2), present]);
    let stored = database.sink.store(&batch).await.unwrap();
    assert_eq!((stored.archived, stored.duplicates, stored.divergent.len()), (1, 1, 0));
    assert_eq!(stored.superseded, [batch[1].clone()]);
    assert_eq!(database.bids().await, 2);
    tables::check(&database.pool).await;
}

#[tokio::test]
async fn two_events_at_one_position_in_one_batch_diverge() {
    let database = Database::start().await;
    let stored = database.sink.store(&deliveries(&[event("a", 1), event("a", 1)])).await.unwrap();
    assert_eq!((stored.archived, stored.confirmed.len(), stored.divergent.len()), (1, 1, 1));
    assert_eq!(database.bids().await, 1);
    tables::check(&database.pool).await;
}

#[tokio::test]
async fn an_item_only_moves_forward_and_counts_every_bid() {
    let database = Database::start().await;
    let mut later_epoch = event("a", 1);
    later_epoch.position.epoch = 2;
    for batch in [&[event("a", 3), event("a", 5)][..], &[event("a", 4)], &[later_epoch], &[event("a", 9)]] {
        database.sink.store(&deliveries(batch)).await.unwrap();
        tables::check(&database.pool).await;
    }
    let row = "SELECT concat_ws(' ', epoch, seq, current_bid, highest_bidder_id, bid_count) FROM items";
    assert_eq!(database.text(row).await, "2 1 0.01 user_1 5");
}

#[tokio::test]
async fn a_bad_row_is_told_from_a_postgres_that_is_away() {
    let database = Database::start().await;
    let zero = with_amounts(event("a", 1), Amount::ZERO, Amount::ZERO);
    let batch = deliveries(&[event("a", 2), zero]);
    assert!(matches!(database.sink.store(&batch).await, Err(SinkError::Rejected(_))));
    assert_eq!(database.bids().await, 0, "the batch fails as a whole");
    let mut reused_bid_id = event("b", 2);
    reused_bid_id.happening = batch[0].event().happening.clone();
    database.sink.store(&batch[..1]).await.unwrap();
    assert!(matches!(database.sink.store(&[delivery(&reused_bid_id)]).await, Err(SinkError::Rejected(_))));
    tables::check(&database.pool).await;

    sqlx::query("ALTER DATABASE bidding SET default_transaction_read_only = on").execute(&database.pool).await.unwrap();
    let read_only = archive::Sink::new(&database.url);
    assert!(matches!(read_only.store(&[delivery(&event("c", 1))]).await, Err(SinkError::Unavailable(_))));
    database.server.kill().await.unwrap();
    assert!(matches!(database.sink.store(&batch).await, Err(SinkError::Unavailable(_))));
}
