use auction::{Happening, Refusal, Verdict};
use ledger::NewIds;

use crate::support::{bid, dump, item, open_ledger, place, raw};

#[tokio::test]
async fn an_accepted_bid_is_in_the_state_the_log_the_outbox_and_the_readable_price() {
    let (server, ledger) = open_ledger().await;
    let ids = NewIds::random();
    let judged = ledger.place_bid(&bid("lot1", "alice", "100.01"), ids, true).await.unwrap();
    let Verdict::Accepted { position, previous_bid, .. } = judged.verdict else { panic!("{judged:?}") };
    assert_eq!((position.epoch, position.seq, previous_bid.minor_units()), (1, 1, 0));

    let [placed] = &judged.events[..] else { panic!("one event: {judged:?}") };
    assert_eq!(placed.event.event_id, ids.event_id);
    let Happening::Bid(happening) = &placed.event.happening;
    assert_eq!(happening.bid_id, ids.bid_id);
    let log = ledger.events_after(&item("lot1"), auction::Position::default(), 10).await.unwrap().events;
    assert_eq!(log, std::slice::from_ref(&placed.event));
    assert_eq!(ledger.outbox_heads(10).await.unwrap(), judged.events);
    assert_eq!(ledger.standing(&item("lot1")).await.unwrap().item, Some(judged.item));

    let mut connection = raw(&server).await;
    let price: String = redis::cmd("GET").arg("item:lot1:current_bid").query_async(&mut connection).await.unwrap();
    assert_eq!(price, "100.01");
}

#[tokio::test]
async fn a_bid_that_does_not_rise_is_refused_and_changes_nothing() {
    let (server, ledger) = open_ledger().await;
    place(&ledger, &bid("lot1", "alice", "100.01")).await;
    let before = dump(&server).await;
    for amount in ["100.01", "100", "0.01"] {
        let judged = place(&ledger, &bid("lot1", "bob", amount)).await;
        assert_eq!(judged.verdict, Verdict::Refused(Refusal::TooLow), "{amount}");
        assert_eq!(judged.item.leader.unwrap().user.as_str(), "alice");
        assert!(judged.events.is_empty());
    }
    assert_eq!(dump(&server).await, before);
}

#[tokio::test]
async fn an_unlisted_item_is_unknown_where_only_listed_ones_may_be_bid_on() {
    let (server, ledger) = open_ledger().await;
    let before = dump(&server).await;
    let judged = ledger.place_bid(&bid("lot1", "alice", "1"), NewIds::random(), false).await.unwrap();
    assert_eq!(judged.verdict, Verdict::UnknownItem);
    assert_eq!(dump(&server).await, before);
    assert_eq!(ledger.standing(&item("lot1")).await.unwrap().item, None);
}

#[tokio::test]
async fn the_smallest_and_the_largest_price_are_exact() {
    let (server, ledger) = open_ledger().await;
    let mut connection = raw(&server).await;
    for price in ["0.01", "0.10", "1.00", "9999999999999.98", "9999999999999.99"] {
        let judged = place(&ledger, &bid("lot1", "alice", price)).await;
        assert!(matches!(judged.verdict, Verdict::Accepted { .. }), "{price}");
        let text: String = redis::cmd("GET").arg("item:lot1:current_bid").query_async(&mut connection).await.unwrap();
        assert_eq!(text, price);
        assert_eq!(judged.item.current_bid().to_string(), price);
    }
    let judged = place(&ledger, &bid("lot1", "bob", "9999999999999.99")).await;
    assert_eq!(judged.verdict, Verdict::Refused(Refusal::TooLow));
}
