//! What comes that is not as it should be.

use async_nats::HeaderMap;
use auction::Amount;

use crate::{
    given::{event, with_amounts},
    rig::Rig,
    wait::until_equal,
};

#[tokio::test]
async fn what_is_no_event_or_no_row_does_not_stop_the_rest() {
    let rig = Rig::start().await;
    // Nothing is consumed before all of it is there, so that good and bad share a batch.
    rig.worker().await.stop().await;
    let placed = rig.place_many(1..40).await;
    let zero = with_amounts(event("bad", 1), Amount::ZERO, Amount::ZERO).to_json();
    let beyond = event("bad", 1).to_json().replace("\"seq\":1", "\"seq\":18446744073709551615");
    let long = event("bad", 1).to_json().replace("\"seq\":1", &format!("\"seq\":1,\"x\":\"{}\"", "x".repeat(20_000)));
    let mut not_utf8 = event("bad", 1).to_json().replace("\"seq\":1", "\"seq\":1,\"x\":\"?\"").into_bytes();
    *not_utf8.iter_mut().rfind(|byte| **byte == b'?').unwrap() = 0xff;
    let elsewhere = event("good", 1).to_json();
    let bad = [b"garbage".to_vec(), Vec::new(), zero.into(), beyond.into(), long.into(), not_utf8, elsewhere.into()];
    for (placed, bad) in placed.iter().zip(bad.iter().chain(&vec![b"\0".to_vec(); placed.len()])) {
        rig.publish_bytes("bid_events.bad".to_owned(), HeaderMap::new(), bad.clone()).await;
        rig.publish(placed).await;
    }
    let worker = rig.worker().await;
    rig.until_archived(39).await;
    until_equal("unfinished", Some((0, 0)), async || rig.unfinished().await).await;
    assert_eq!(worker.metric("rejected_total").await, 1);
    assert_eq!(worker.metric("unreadable_total").await, 38);
    // Each with its bytes.
    let mut expected: Vec<Vec<u8>> = bad.iter().cloned().chain(vec![b"\0".to_vec(); 39 - bad.len()]).collect();
    let quarantined = "SELECT payload FROM quarantine WHERE reason IN ('unreadable', 'rejected')";
    let mut found: Vec<Vec<u8>> = sqlx::query_scalar(quarantined).fetch_all(&rig.database.pool).await.unwrap();
    expected.sort_unstable();
    found.sort_unstable();
    assert!(found == expected, "what is set aside keeps its bytes");
    worker.stop().await;
}

#[tokio::test]
async fn an_event_without_a_place_in_the_outbox_is_archived_too() {
    let rig = Rig::start().await;
    let worker = rig.worker().await;
    let strange = HeaderMap::from_iter([("Outbox-Id".parse().unwrap(), "?".parse().unwrap())]);
    for (seq, headers) in [(1, HeaderMap::new()), (2, strange)] {
        rig.publish_bytes("bid_events.lot".to_owned(), headers, event("lot", seq).to_json().into()).await;
    }
    rig.until_archived(2).await;
    worker.stop().await;
}
