use serde_json::json;

use crate::support::{api, api_with, parts, problem};

#[tokio::test]
async fn an_accepted_bid_is_answered_201_with_everything_the_contract_names() {
    let api = api().await;
    let (status, content_type, body) = parts(api.bid("lot1", "alice", 100.01).await).await;
    assert_eq!((status, content_type.as_str()), (201, "application/json"));
    assert_eq!(body["success"], true);
    assert_eq!(body["message"], "Bid accepted.");
    assert_eq!((&body["epoch"], &body["seq"]), (&json!(1), &json!(1)));
    assert_eq!((&body["current_bid"], &body["your_bid"]), (&json!(100.01), &json!(100.01)));
    assert_eq!((&body["is_highest"], &body["minimum_bid"]), (&json!(true), &json!(100.02)));
    assert!(body.get("reason").is_none());
    for id in ["event_id", "bid_id"] {
        assert_eq!(body[id].as_str().unwrap().len(), 36, "{body}");
    }
}

#[tokio::test]
async fn a_lost_race_is_answered_200_and_says_what_to_bid() {
    let api = api().await;
    api.bid("lot1", "alice", 100.01).await;
    let (status, _, body) = parts(api.bid("lot1", "bob", 100.01).await).await;
    let expected = json!({
        "success": false, "reason": "too_low", "epoch": 1, "seq": 1, "current_bid": 100.01, "your_bid": 100.01,
        "is_highest": false, "minimum_bid": 100.02,
        "message": "Bid too low: the current bid is 100.01; bid at least 100.02.",
    });
    assert_eq!((status, body), (200, expected));
}

#[tokio::test]
async fn money_is_written_with_its_two_decimals() {
    let api = api().await;
    let text = api.post("lot1", r#"{"user_id":"alice","amount":100.1}"#).await.text().await.unwrap();
    assert!(text.contains(r#""current_bid":100.10,"your_bid":100.10"#), "{text}");
    assert!(text.contains(r#""minimum_bid":100.11"#), "{text}");
}

#[tokio::test]
async fn a_number_that_a_double_made_of_an_amount_is_that_amount() {
    let api = api().await;
    let (status, _, body) = parts(api.post("lot1", r#"{"user_id":"a","amount":100.07000000000001}"#).await).await;
    assert_eq!((status, &body["current_bid"]), (201, &json!(100.07)));
    let (status, _, body) = parts(api.post("lot1", r#"{"user_id":"a","amount":1e3}"#).await).await;
    assert_eq!((status, &body["current_bid"]), (201, &json!(1000.0)));
}

#[tokio::test]
async fn where_only_listed_items_are_sold_an_unknown_one_is_404() {
    let api = api_with(|config| config.unlisted_items_allowed = false).await;
    assert_eq!(problem(404, parts(api.bid("lot1", "alice", 1.0).await).await), "There is no item lot1.");
    assert_eq!(problem(404, parts(api.get("/api/v1/items/lot1").await).await), "There is no item lot1.");
}
