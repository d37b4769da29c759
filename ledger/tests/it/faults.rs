use std::time::Duration;

use ledger::{Judged, Ledger, LedgerError, NewIds};

use crate::support::{bid, configure, dump, fill, item, keyed, open_ledger, overwrite_state, place};

/// Far above any bound of the ledger, far below the client's own 9.45 s.
const HANG: Duration = Duration::from_secs(5);

async fn answer_within_hang(ledger: &Ledger) -> Result<Judged, LedgerError> {
    let bid = bid("lot1", "bob", "2");
    let attempt = ledger.place_bid(&bid, NewIds::random(), true);
    tokio::time::timeout(HANG, attempt).await.expect("an answer")
}

#[tokio::test]
async fn a_dead_redis_is_an_error_soon_and_not_a_hang() {
    let (server, ledger) = open_ledger().await;
    place(&ledger, &bid("lot1", "alice", "1")).await;
    server.kill().await.unwrap();
    let mut last = None;
    for _ in 0..3 {
        let outcome = answer_within_hang(&ledger).await;
        let Err(error) = outcome else { panic!("{outcome:?}") };
        last = Some(error);
    }
    // The first may have been on its way when the connection broke; the last found nobody to send it to.
    assert!(matches!(last, Some(LedgerError::Unreachable(_))), "{last:?}");
    server.start().await.unwrap();
    ledger.open(1).await.unwrap();
    assert_eq!(place(&ledger, &bid("lot1", "bob", "2")).await.item.position.seq, 2);
}

#[tokio::test]
async fn a_frozen_redis_is_an_error_soon_and_the_bid_is_sent_only_once() {
    let (server, ledger) = open_ledger().await;
    place(&ledger, &bid("lot1", "alice", "1")).await;
    server.pause().unwrap();
    let outcome = answer_within_hang(&ledger).await;
    assert!(matches!(outcome, Err(LedgerError::Unavailable(_) | LedgerError::TimedOut)), "{outcome:?}");
    server.resume().unwrap();
    // The command was on its way: it counts, and it counts once.
    let state = ledger.standing(&item("lot1")).await.unwrap().state();
    assert!(state.position.seq <= 2, "{state:?}");
}

#[tokio::test]
async fn a_full_redis_refuses_whole_bids_and_still_answers_losers() {
    let (server, ledger) = open_ledger().await;
    let first = place(&ledger, &keyed("lot1", "alice", "5", "first")).await;
    fill(&server).await;
    let before = dump(&server).await;
    let outcome = ledger.place_bid(&bid("lot1", "bob", "6"), NewIds::random(), true).await;
    assert!(matches!(outcome, Err(LedgerError::NotWritten(_))), "{outcome:?}");
    assert!(place(&ledger, &bid("lot1", "bob", "4")).await.events.is_empty());
    assert_eq!(place(&ledger, &keyed("lot1", "alice", "5", "first")).await.events, first.events);
    assert_eq!(dump(&server).await, before);
}

#[tokio::test]
async fn a_redis_that_takes_no_writes_refuses_higher_bids_without_a_trace_and_still_judges_lower_ones() {
    let (server, ledger) = open_ledger().await;
    place(&ledger, &bid("lot1", "alice", "5")).await;
    let before = dump(&server).await;
    configure(&server, "min-replicas-to-write", "1").await;
    let outcome = ledger.place_bid(&bid("lot1", "bob", "6"), NewIds::random(), true).await;
    assert!(matches!(outcome, Err(LedgerError::NotWritten(_))), "{outcome:?}");
    assert!(place(&ledger, &bid("lot1", "bob", "4")).await.events.is_empty());
    assert_eq!(dump(&server).await, before);
}

#[tokio::test]
async fn a_state_nobody_can_read_is_reported_and_left_alone() {
    let (server, ledger) = open_ledger().await;
    place(&ledger, &bid("lot1", "alice", "5")).await;
    overwrite_state(&server, "lot1", b"rubbish").await;
    let before = dump(&server).await;
    let outcome = ledger.place_bid(&bid("lot1", "bob", "6"), NewIds::random(), true).await;
    assert!(matches!(outcome, Err(LedgerError::Corrupt(_))), "{outcome:?}");
    assert!(matches!(ledger.standing(&item("lot1")).await, Err(LedgerError::Corrupt(_))));
    assert_eq!(dump(&server).await, before);
}

#[tokio::test]
async fn a_state_behind_its_log_is_not_overwritten() {
    let (server, ledger) = open_ledger().await;
    place(&ledger, &bid("lot1", "alice", "5")).await;
    place(&ledger, &bid("lot1", "bob", "6")).await;
    overwrite_state(&server, "lot1", b"1 1 500 1 0 alice").await;
    let before = dump(&server).await;
    assert!(ledger.place_bid(&bid("lot1", "carol", "7"), NewIds::random(), true).await.is_err());
    assert_eq!(dump(&server).await, before);
}

#[test]
fn a_url_that_is_none_is_refused_at_once() {
    assert!(Ledger::new("http://127.0.0.1").is_err());
}
