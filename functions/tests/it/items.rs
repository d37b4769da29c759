use serde_json::{Value, json};

use crate::support::{api, parts, problem};

#[tokio::test]
async fn an_item_nobody_bid_on_is_active_at_zero() {
    let api = api().await;
    let (status, _, mut body) = parts(api.get("/api/v1/items/lot1").await).await;
    let server_time = body.as_object_mut().unwrap().remove("server_time").unwrap();
    assert!(server_time.as_str().unwrap().ends_with('Z'), "{server_time}");
    let expected = json!({
        "id": "lot1", "current_bid": 0.0, "status": "active", "epoch": 1, "seq": 0, "minimum_bid": 0.01, "bid_count": 0,
    });
    assert_eq!((status, body), (200, expected));
}

#[tokio::test]
async fn an_item_shows_its_leader() {
    let api = api().await;
    api.bid("lot1", "alice", 5.0).await;
    api.bid("lot1", "bob", 6.5).await;
    let (_, _, body) = parts(api.get("/api/v1/items/lot1").await).await;
    assert_eq!((&body["highest_bidder_id"], &body["current_bid"]), (&json!("bob"), &json!(6.5)));
    assert_eq!((&body["bid_count"], &body["seq"], &body["minimum_bid"]), (&json!(2), &json!(2), &json!(6.51)));
}

#[tokio::test]
async fn the_list_of_bids_is_paged_by_seq() {
    let api = api().await;
    for amount in 1..=7 {
        api.bid("lot1", "alice", f64::from(amount)).await;
    }
    let page = async |query: &str| {
        let (status, _, body) = parts(api.get(&format!("/api/v1/items/lot1/bids{query}")).await).await;
        assert_eq!(status, 200, "{body}");
        let seqs: Vec<u64> = body["bids"].as_array().unwrap().iter().map(|bid| bid["seq"].as_u64().unwrap()).collect();
        (seqs, body["next_after"].as_u64())
    };
    assert_eq!(page("").await, ((1..=7).collect(), None));
    assert_eq!(page("?limit=3").await, (vec![1, 2, 3], Some(3)));
    assert_eq!(page("?after=3&limit=4").await, (vec![4, 5, 6, 7], None));
    assert_eq!(page("?after=6").await, (vec![7], None));
    assert_eq!(page("?after=7").await.0, [0_u64; 0]);
}

#[tokio::test]
async fn a_listed_bid_is_the_event_the_viewers_see() {
    let api = api().await;
    let (_, _, answer) = parts(api.bid("lot1", "alice", 5.25).await).await;
    let (_, _, body) = parts(api.get("/api/v1/items/lot1/bids").await).await;
    let bid: &Value = &body["bids"][0];
    for field in ["event_id", "bid_id", "timestamp", "epoch", "seq"] {
        assert_eq!(bid[field], answer[field], "{field}");
    }
    assert_eq!((&bid["type"], &bid["user_id"], &bid["amount"]), (&json!("bid"), &json!("alice"), &json!(5.25)));
    assert_eq!((&body["item_id"], &bid["previous_bid"]), (&json!("lot1"), &json!(0.0)));
}

#[tokio::test]
async fn a_page_that_cannot_be_is_400() {
    let api = api().await;
    for query in
        ["?limit=0", "?limit=1001", "?limit=-1", "?limit=x", "?after=-1", "?after=1e3", "?after=99999999999999999999"]
    {
        problem(400, parts(api.get(&format!("/api/v1/items/lot1/bids{query}")).await).await);
    }
}
