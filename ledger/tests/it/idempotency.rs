//! Bids that come more than once under one key.

use auction::{Bid, Timestamp, Verdict};
use ledger::{Judged, Ledger, LedgerError, NewIds};

use crate::support::{bid, dump, keyed, open_ledger, place, raw};

/// A generation of records: a day and a minute.
const DAY_SECONDS: i64 = 86_460;

fn at(seconds: i64) -> Timestamp {
    // The beginning of a generation.
    Timestamp::from_microseconds((20_000 * DAY_SECONDS + seconds) * 1_000_000).unwrap()
}

async fn place_at(ledger: &Ledger, bid: &Bid, seconds: i64) -> Judged {
    let mut judged = ledger.place_bids_at(&bid.item, &[(bid, NewIds::random())], at(seconds)).await.unwrap();
    judged.remove(0).unwrap()
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer_and_changes_nothing() {
    let (server, ledger) = open_ledger().await;
    let mine = keyed("lot1", "alice", "5", "key");
    let first = place(&ledger, &mine).await;
    assert!(!first.is_repetition);
    place(&ledger, &bid("lot1", "bob", "6")).await;
    let before = dump(&server).await;
    assert_eq!(place(&ledger, &mine).await, Judged { is_repetition: true, ..first });
    assert_eq!(dump(&server).await, before);
}

#[tokio::test]
async fn a_key_belongs_to_one_amount_of_one_user_on_one_item() {
    let (server, ledger) = open_ledger().await;
    place(&ledger, &keyed("lot1", "alice", "5", "key")).await;
    let before = dump(&server).await;
    assert_eq!(place(&ledger, &keyed("lot1", "alice", "7", "key")).await.verdict, Verdict::KeyReused);
    assert_eq!(place(&ledger, &keyed("lot1", "alice", "3", "key")).await.verdict, Verdict::KeyReused);
    assert_eq!(dump(&server).await, before);
    for other in
        [keyed("lot1", "bob", "7", "key"), keyed("lot2", "alice", "7", "key"), keyed("lot1", "alice", "8", "k")]
    {
        let judged = place(&ledger, &other).await;
        assert!(matches!(judged.verdict, Verdict::Accepted { .. }) && !judged.is_repetition, "{judged:?}");
    }
}

#[tokio::test]
async fn a_refused_bid_leaves_its_key_free_and_no_trace() {
    let (server, ledger) = open_ledger().await;
    place(&ledger, &bid("lot1", "bob", "6")).await;
    let before = dump(&server).await;
    assert!(place(&ledger, &keyed("lot1", "alice", "5", "key")).await.events.is_empty());
    assert_eq!(dump(&server).await, before);
    let judged = place(&ledger, &keyed("lot1", "alice", "7", "key")).await;
    assert!(matches!(judged.verdict, Verdict::Accepted { .. }), "{judged:?}");
}

#[tokio::test]
async fn fifty_at_once_are_one_acceptance() {
    let (_server, ledger) = open_ledger().await;
    let mine = keyed("lot1", "alice", "5", "key");
    let all: Vec<_> = (0..50)
        .map(|_| {
            let (ledger, mine) = (ledger.clone(), mine.clone());
            tokio::spawn(async move { place(&ledger, &mine).await })
        })
        .collect();
    let mut judged = Vec::new();
    for one in all {
        judged.push(one.await.unwrap());
    }
    assert_eq!(judged.iter().filter(|judged| !judged.is_repetition).count(), 1);
    assert!(judged.iter().all(|one| (&one.events, &one.item) == (&judged[0].events, &judged[0].item)));
    assert_eq!(judged[0].item.position.seq, 1);
}

#[tokio::test]
async fn a_reply_that_was_lost_is_given_again() {
    let (server, ledger) = open_ledger().await;
    place(&ledger, &bid("lot1", "bob", "1")).await;
    server.pause().unwrap();
    let mine = keyed("lot1", "alice", "5", "key");
    let lost = ledger.place_bid(&mine, NewIds::random(), true).await;
    assert!(matches!(lost, Err(LedgerError::Unavailable(_) | LedgerError::TimedOut)), "{lost:?}");
    server.resume().unwrap();
    let first = place(&ledger, &mine).await;
    let again = place(&ledger, &mine).await;
    assert_eq!((first.item.position.seq, &again.events), (2, &first.events));
}

#[tokio::test]
async fn a_record_lives_for_a_day_at_least_and_two_at_most() {
    for accepted in [0, DAY_SECONDS / 2, DAY_SECONDS - 1] {
        let (server, ledger) = open_ledger().await;
        let mine = keyed("lot1", "alice", "5", "key");
        place_at(&ledger, &mine, accepted).await;
        assert!(place_at(&ledger, &mine, accepted + 24 * 3_600).await.is_repetition, "{accepted}");
        assert!(place_at(&ledger, &mine, 2 * DAY_SECONDS - 1).await.is_repetition, "{accepted}");
        assert!(!place_at(&ledger, &mine, 2 * DAY_SECONDS).await.is_repetition, "{accepted}");
        let mut connection = raw(&server).await;
        let keys: Vec<String> = redis::cmd("KEYS").arg("a:*:k?:lot1").query_async(&mut connection).await.unwrap();
        let ttl: i64 = redis::cmd("TTL").arg(&keys[0]).query_async(&mut connection).await.unwrap();
        let left = 2 * DAY_SECONDS - accepted;
        assert!(keys.len() == 1 && (left - 60..=left).contains(&ttl), "{keys:?} {ttl} of {left}");
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_forgets_no_record() {
    let (_server, ledger) = open_ledger().await;
    let mine = keyed("lot1", "alice", "5", "key");
    place_at(&ledger, &bid("lot1", "bob", "1"), 3 * DAY_SECONDS + 9).await;
    place_at(&ledger, &mine, 2 * DAY_SECONDS - 9).await;
    for later in [-9, 2 * DAY_SECONDS, 4 * DAY_SECONDS] {
        assert!(place_at(&ledger, &mine, later).await.is_repetition, "{later}");
    }
}
