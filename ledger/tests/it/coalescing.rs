use std::time::Duration;

use auction::{Amount, Bid, Happening, Refusal, Verdict};
use futures_util::future::join_all;
use ledger::{Coalescer, Judged, Ledger, LedgerError, NewIds};

use crate::support::{bid, dump, fill, item, keyed, open_ledger, overwrite_state, place, raw};

/// Far above any bound of the ledger.
const HANG: Duration = Duration::from_secs(5);

const MOMENT: Duration = Duration::from_millis(20);

/// Together.
async fn place_all(coalescer: &Coalescer, bids: &[Bid]) -> Vec<Result<Judged, LedgerError>> {
    join_all(bids.iter().map(|bid| coalescer.place_bid(bid.clone(), NewIds::random()))).await
}

async fn calls_of_the_script(connection: &mut redis::aio::MultiplexedConnection) -> u64 {
    let info: String = redis::cmd("INFO").arg("commandstats").query_async(connection).await.unwrap();
    let line = info.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls=")).unwrap_or("0,");
    line.split(',').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn bids_that_come_at_once_share_calls_and_are_judged_in_their_order() {
    let (server, ledger) = open_ledger().await;
    let coalescer = Coalescer::new(ledger.clone(), true);
    let amount = |number: u64| Amount::from_minor_units(if number % 3 == 2 { 1 } else { number + 1 }).unwrap();
    let bids: Vec<Bid> =
        (0..200).map(|number| Bid { amount: amount(number), ..bid("lot1", &format!("user_{number}"), "1") }).collect();
    let mut connection = raw(&server).await;
    let before = calls_of_the_script(&mut connection).await;
    let judged = place_all(&coalescer, &bids).await;
    assert!(calls_of_the_script(&mut connection).await - before <= 10);

    let mut seq = 0;
    for (number, judged) in judged.into_iter().enumerate() {
        let judged = judged.unwrap();
        if number % 3 == 2 {
            assert_eq!(judged.verdict, Verdict::Refused(Refusal::TooLow), "{number}");
        } else {
            seq += 1;
            let leader = judged.item.leader.unwrap();
            assert_eq!((judged.item.position.seq, leader.user), (seq, bids[number].user.clone()));
        }
    }
    let log = ledger.events_after(&item("lot1"), auction::Position::default(), 1_000).await.unwrap().events;
    assert_eq!(log.len() as u64, seq);
}

#[tokio::test]
async fn bids_on_many_items_are_each_judged_on_their_own_and_again_later() {
    let (_server, ledger) = open_ledger().await;
    let coalescer = Coalescer::new(ledger, true);
    for round in 1..=3 {
        let bids: Vec<Bid> = (0..40).map(|lot| bid(&format!("lot{lot}"), "alice", &round.to_string())).collect();
        for (judged, bid) in place_all(&coalescer, &bids).await.into_iter().zip(&bids) {
            let judged = judged.unwrap();
            assert_eq!((judged.item.position.seq, &judged.events[0].event.item_id), (round, &bid.item));
        }
    }
}

#[tokio::test]
async fn repetitions_in_one_call_get_the_answer_of_the_first() {
    let (server, ledger) = open_ledger().await;
    let coalescer = Coalescer::new(ledger, true);
    let mut connection = raw(&server).await;
    let before = calls_of_the_script(&mut connection).await;
    let mut bids = vec![keyed("lot1", "alice", "5", "k"); 20];
    bids.push(keyed("lot1", "alice", "6", "k"));
    bids.push(bid("lot1", "bob", "7"));
    let judged: Vec<Judged> = place_all(&coalescer, &bids).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(calls_of_the_script(&mut connection).await - before, 1);
    assert!(!judged[0].is_repetition);
    for repetition in &judged[1..20] {
        assert_eq!(*repetition, Judged { is_repetition: true, ..judged[0].clone() });
    }
    assert_eq!(judged[20].verdict, Verdict::KeyReused);
    assert_eq!(judged[21].item.position.seq, 2);
}

#[tokio::test]
async fn what_is_wrong_with_one_bid_is_not_wrong_with_those_beside_it() {
    let (server, ledger) = open_ledger().await;
    let first = place(&ledger, &keyed("lot1", "alice", "5", "first")).await;
    fill(&server).await;
    let mut connection = raw(&server).await;
    let (before, calls) = (dump(&server).await, calls_of_the_script(&mut connection).await);
    let bids = [bid("lot1", "bob", "4"), bid("lot1", "carol", "6"), keyed("lot1", "alice", "5", "first")];
    let judged = place_all(&Coalescer::new(ledger, true), &bids).await;
    assert_eq!(calls_of_the_script(&mut connection).await - calls, 1);
    let [Ok(lower), Err(LedgerError::NotWritten(_)), Ok(repetition)] = &judged[..] else { panic!("{judged:?}") };
    assert_eq!(lower.verdict, Verdict::Refused(Refusal::TooLow));
    assert_eq!(repetition.events, first.events);
    assert_eq!(dump(&server).await, before);
}

#[tokio::test]
async fn a_judgement_that_cannot_be_read_leaves_those_beside_it_as_they_are() {
    let (server, ledger) = open_ledger().await;
    place(&ledger, &bid("lot1", "alice", "5")).await;
    overwrite_state(&server, "lot1", b"1 1 500 1 0 al\xffce").await;
    let bids = [bid("lot1", "bob", "4"), bid("lot1", "carol", "6")];
    let judged = place_all(&Coalescer::new(ledger.clone(), true), &bids).await;
    let [Err(LedgerError::Unreadable(_)), Ok(higher)] = &judged[..] else { panic!("{judged:?}") };
    assert!(matches!(higher.verdict, Verdict::Accepted { .. }));
}

#[tokio::test]
async fn who_waits_for_a_frozen_redis_is_answered_and_sent_once_and_who_leaves_is_not_sent() {
    let (server, ledger) = open_ledger().await;
    let coalescer = Coalescer::new(ledger.clone(), true);
    place(&ledger, &bid("lot1", "alice", "1")).await;
    let mut connection = raw(&server).await;
    let before = calls_of_the_script(&mut connection).await;
    server.pause().unwrap();
    let place = async |user: &str, amount: &str| {
        let answer = coalescer.place_bid(bid("lot1", user, amount), NewIds::random());
        tokio::time::timeout(HANG, answer).await.expect("an answer")
    };
    // When bob's bid has been sent.
    let later = || tokio::time::sleep(MOMENT);
    let leaves = async {
        later().await;
        tokio::time::timeout(MOMENT, place("carol", "3")).await
    };
    let waits = async {
        later().await;
        place("erin", "4").await
    };
    let (sent, left, waited) = tokio::join!(place("bob", "2"), leaves, waits);
    assert!(left.is_err());
    for outcome in [sent, waited] {
        assert!(matches!(outcome, Err(LedgerError::Unavailable(_) | LedgerError::TimedOut)), "{outcome:?}");
    }
    server.resume().unwrap();
    place("dan", "5").await.unwrap();
    let log = ledger.events_after(&item("lot1"), auction::Position::default(), 10).await.unwrap().events;
    let users = log.iter().map(|event| {
        let Happening::Bid(bid) = &event.happening;
        bid.user_id.as_str()
    });
    assert_eq!(users.filter(|user| ["carol", "dan"].contains(user)).collect::<Vec<_>>(), ["dan"]);
    assert!(calls_of_the_script(&mut connection).await - before <= 3);
}

#[tokio::test]
async fn who_has_waited_too_long_for_others_is_not_sent() {
    let (server, open) = open_ledger().await;
    server.pause().unwrap();
    let come_together = async |number: u32| {
        // The kernel of a frozen server takes connections: it is found out late, twice, that nobody says hello.
        let coalescer = Coalescer::new(Ledger::new(&server.url()).unwrap(), true);
        let lot = format!("lot{number}");
        let late = async {
            tokio::task::yield_now().await;
            coalescer.place_bid(bid(&lot, "bob", "2"), NewIds::random()).await
        };
        tokio::join!(coalescer.place_bid(bid(&lot, "alice", "1"), NewIds::random()), late)
    };
    let mut attempts = 0;
    loop {
        attempts += 1;
        let (first, late) = come_together(attempts).await;
        assert!(first.is_err(), "{first:?}");
        match late {
            Err(LedgerError::NotSent) => break,
            // It came late because this machine was busy, and had time enough for a call of its own.
            late => assert!(late.is_err() && attempts < 10, "{late:?}"),
        }
    }
    server.resume().unwrap();
    for number in 1..=attempts {
        let standing = open.standing(&item(&format!("lot{number}"))).await.unwrap();
        assert!(standing.item.is_none(), "{standing:?}");
    }
}

#[tokio::test]
async fn full_batches_do_not_wait_for_each_other() {
    let (server, ledger) = open_ledger().await;
    let coalescer = Coalescer::new(ledger.clone(), true);
    place(&ledger, &bid("lot1", "alice", "1")).await;
    let bids: Vec<Bid> = (2..=200).map(|amount| bid("lot1", "bob", &amount.to_string())).collect();
    server.pause().unwrap();
    for outcome in place_all(&coalescer, &bids).await {
        assert!(matches!(outcome, Err(LedgerError::Unavailable(_) | LedgerError::TimedOut)), "{outcome:?}");
    }
    server.resume().unwrap();
    let all_are_judged = async {
        while ledger.standing(&item("lot1")).await.unwrap().state().position.seq < 200 {
            tokio::time::sleep(MOMENT).await;
        }
    };
    tokio::time::timeout(HANG, all_are_judged).await.expect("all were on their way");
}
