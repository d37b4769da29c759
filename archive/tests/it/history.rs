use archive::{Archive, ArchiveError};
use auction::{AuctionEvent, Position};

use crate::{
    given::{deliveries, event, item},
    tables::Database,
};

fn at(epoch: u64, seq: u64) -> Position {
    Position { epoch, seq }
}

async fn three_epochs(database: &Database) -> Vec<AuctionEvent> {
    let mut events: Vec<AuctionEvent> = [(1, 1), (1, 2), (1, 10), (2, 1), (3, 1), (3, 2)]
        .map(|(epoch, seq)| AuctionEvent { position: at(epoch, seq), ..event("a", seq) })
        .to_vec();
    events.reverse();
    database.sink.store(&deliveries(&events)).await.unwrap();
    database.sink.store(&deliveries(&[event("aa", 1), event("A", 1)])).await.unwrap();
    events.reverse();
    events
}

#[tokio::test]
async fn bids_come_in_order_of_epoch_and_seq_between_two_positions() {
    let database = Database::start().await;
    let archive = Archive::new(&database.url);
    let events = three_epochs(&database).await;
    let cases = [
        (at(0, 0), None, 100, 0..6),
        (at(0, 0), None, 2, 0..2),
        (at(1, 2), None, 2, 2..4),
        (at(1, 2), Some(at(3, 2)), 100, 2..5),
        (at(1, 5), Some(at(2, 0)), 100, 2..3),
        (at(3, 2), None, 100, 6..6),
        (at(0, 0), None, 0, 0..0),
        (at(0, 0), Some(at(u64::MAX, u64::MAX)), u32::MAX, 0..6),
        (at(u64::MAX, 0), None, 100, 6..6),
    ];
    for (after, before, limit, expected) in cases {
        let found = archive.bids_after(&item("a"), after, before, limit).await.unwrap();
        assert_eq!(found, events[expected], "after {after:?} before {before:?} limit {limit}");
    }
    assert_eq!(archive.bids_after(&item("b"), at(0, 0), None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_page_is_read_from_the_index() {
    let database = Database::start().await;
    let query = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/history/bids_after.sql")).unwrap();
    let query = query.replace("$1", "'a'").replace("$2", "1").replace("$3", "5").replace("$4", "9").replace("$5", "9");
    let explain = format!("SET enable_seqscan = off; EXPLAIN {}", query.replace("$6", "10"));
    let plan = database.plan(explain).await;
    assert!(plan.contains("Index Scan using events_pkey") && !plan.contains("Sort"), "{plan}");
    let condition = plan.lines().find(|line| line.contains("Index Cond")).unwrap();
    assert_eq!(condition.matches("ROW(epoch, seq)").count(), 2, "{plan}");
}

#[tokio::test]
async fn a_postgres_that_is_away_or_hangs_is_unavailable_and_later_is_not() {
    let database = Database::start().await;
    let archive = Archive::new(&database.url);
    let events = three_epochs(&database).await;
    let read = async || archive.bids_after(&item("a"), at(0, 0), None, 100).await;
    assert_eq!(read().await.unwrap(), events);
    database.server.pause().unwrap();
    assert!(matches!(read().await, Err(ArchiveError::Unavailable(_))));
    database.server.resume().unwrap();
    assert_eq!(read().await.unwrap(), events);
    database.server.kill().await.unwrap();
    assert!(matches!(read().await, Err(ArchiveError::Unavailable(_))));
    database.server.start().await.unwrap();
    assert_eq!(read().await.unwrap(), events);
}
