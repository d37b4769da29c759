//! Bids that are sent again under one key.

use reqwest::{Response, StatusCode};
use serde_json::json;

use crate::support::{TestApi, api, parts, problem};

async fn bid(api: &TestApi, keys: &[&str], user: &str, amount: u32) -> Response {
    let mut request = api.client.post(format!("{}/api/v1/items/lot1/bid", api.url));
    for key in keys {
        request = request.header("Idempotency-Key", *key);
    }
    request.json(&json!({ "user_id": user, "amount": amount })).send().await.unwrap()
}

fn is_replayed(response: &Response) -> bool {
    response.headers().get("Idempotency-Replayed").is_some_and(|value| value == "true")
}

#[tokio::test]
async fn a_repetition_is_answered_to_the_letter_also_when_the_price_has_moved_on() {
    let api = api().await;
    let first = bid(&api, &["key"], "alice", 5).await;
    assert!(first.status() == StatusCode::CREATED && !is_replayed(&first));
    let first = first.text().await.unwrap();
    api.bid("lot1", "bob", 6.0).await;
    let again = bid(&api, &["key"], "alice", 5).await;
    assert!(again.status() == StatusCode::CREATED && is_replayed(&again));
    assert_eq!(again.text().await.unwrap(), first);
    let detail = problem(422, parts(bid(&api, &["key"], "alice", 7).await).await);
    assert!(detail.contains("another amount"), "{detail}");
    let (_, _, item) = parts(api.get("/api/v1/items/lot1").await).await;
    assert_eq!((&item["current_bid"], &item["seq"]), (&json!(6.0), &json!(2)));
}

#[tokio::test]
async fn fifty_at_once_get_equal_answers_and_one_of_them_is_new() {
    let api = api().await;
    let mut answers = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let request = api.client.post(format!("{}/api/v1/items/lot1/bid", api.url));
        let request = request.header("Idempotency-Key", "key").json(&json!({ "user_id": "alice", "amount": 5 }));
        answers.spawn(async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), is_replayed(&response), response.text().await.unwrap())
        });
    }
    let answers = answers.join_all().await;
    assert_eq!(answers.iter().filter(|(_, is_replayed, _)| !is_replayed).count(), 1);
    assert!(answers.iter().all(|(status, _, body)| (*status, body) == (201, &answers[0].2)), "{answers:?}");
    assert_eq!(api.ledger.outbox_length().await.unwrap(), 1);
}

#[tokio::test]
async fn what_is_no_key_is_400_and_changes_nothing() {
    let api = api().await;
    let long = "x".repeat(129);
    for keys in [&[""][..], &["a b"], &["\"quoted\""], &["a/b"], &["\u{e9}"], &[&long], &["one", "two"]] {
        let detail = problem(400, parts(bid(&api, keys, "alice", 5).await).await);
        assert!(detail.contains("Idempotency-Key"), "{keys:?}: {detail}");
    }
    assert_eq!(api.ledger.outbox_length().await.unwrap(), 0);
}

#[tokio::test]
async fn a_bid_of_unknown_outcome_may_be_repeated_with_its_key() {
    let api = api().await;
    api.bid("lot1", "bob", 1.0).await;
    api.redis.pause().unwrap();
    let detail = problem(503, parts(bid(&api, &["key"], "alice", 5).await).await);
    assert!(detail.contains("same Idempotency-Key"), "{detail}");
    api.redis.resume().unwrap();
    let (status, _, first) = parts(bid(&api, &["key"], "alice", 5).await).await;
    let (_, _, again) = parts(bid(&api, &["key"], "alice", 5).await).await;
    assert_eq!((status, &first["seq"], &first), (201, &json!(2), &again));
}

#[tokio::test]
async fn a_full_redis_judges_no_bid_and_still_repeats_answers() {
    let api = api().await;
    let first = bid(&api, &["key"], "alice", 5).await.text().await.unwrap();
    let client = redis::Client::open(api.redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("CONFIG").arg(&["SET", "maxmemory", "1"]).query_async(&mut connection).await.unwrap();
    let detail = problem(503, parts(bid(&api, &["other"], "alice", 6).await).await);
    assert!(detail.contains("not judged"), "{detail}");
    assert_eq!(bid(&api, &["key"], "alice", 5).await.text().await.unwrap(), first);
}
