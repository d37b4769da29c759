use local::testing;
use serde_json::json;

use crate::support::{Viewer, bid, psql, redis_cli, until_psql};

#[tokio::test(flavor = "multi_thread")]
async fn a_bid_is_judged_shown_and_archived() {
    let system = testing::system().await;
    let (mut viewer, first) = Viewer::connect(&system, "lot1").await;
    assert_eq!((&first["itemId"], &first["seq"], &first["current_bid"]), (&json!("lot1"), &json!(0), &json!(0.0)));

    let (status, answer) = bid(&system, "lot1", "alice", 100).await;
    assert_eq!((status, &answer["success"]), (201, &json!(true)));
    let frame = viewer.frame().await;
    for field in ["event_id", "bid_id", "timestamp", "epoch", "seq"] {
        assert_eq!(frame[field], answer[field], "{field}");
    }
    assert_eq!((&frame["type"], &frame["user_id"], &frame["amount"]), (&json!("bid"), &json!("alice"), &json!(100.0)));

    until_psql(&system, "SELECT COUNT(*) FROM bids", "1").await;
    let row = psql(&system, "SELECT item_id, user_id, amount, seq FROM bids").await;
    assert_eq!(row, "lot1|alice|100.00|1");
    assert_eq!(psql(&system, "SELECT payload ->> 'event_id' FROM events").await, answer["event_id"].as_str().unwrap());
    assert_eq!(redis_cli(&system, &["GET", "item:lot1:current_bid"]).await, "100.00");
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_bid_survives_a_stop_and_a_start_of_every_server() {
    let system = testing::system().await;
    bid(&system, "lot1", "alice", 100).await;
    until_psql(&system, "SELECT COUNT(*) FROM bids", "1").await;
    for server in system.servers() {
        server.stop().await.unwrap();
    }
    for server in system.servers() {
        server.start().await.unwrap();
    }
    let (_, first) = Viewer::connect(&system, "lot1").await;
    assert_eq!((&first["seq"], &first["current_bid"]), (&json!(1), &json!(100.0)));
    let (status, answer) = bid(&system, "lot1", "bob", 101).await;
    assert_eq!((status, &answer["seq"]), (201, &json!(2)));
    until_psql(&system, "SELECT COUNT(*) FROM bids", "2").await;
}
