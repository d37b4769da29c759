use std::time::Duration;

use reqwest::header;
use serde_json::json;

use crate::support::{TestApi, api, api_with, parts, problem};

/// Far above the second that a bidder waits at most, far below a hang.
const HANG: Duration = Duration::from_secs(5);

async fn unavailable(api: &TestApi) -> String {
    let response = tokio::time::timeout(HANG, api.bid("lot1", "bob", 2.0)).await.expect("an answer");
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    problem(503, parts(response).await)
}

#[tokio::test]
async fn a_dead_redis_is_503_and_its_return_is_noticed() {
    let api = api().await;
    api.redis.kill().await.unwrap();
    unavailable(&api).await;
    // By now nobody is there to send a bid to.
    assert!(unavailable(&api).await.contains("not judged"));
    problem(503, parts(api.get("/api/v1/items/lot1").await).await);
    api.redis.start().await.unwrap();
    api.ledger.open(1).await.unwrap();
    // The break of the old connection is noticed by the first bid at the latest.
    let statuses = [api.bid("lot1", "bob", 2.0).await.status(), api.bid("lot1", "bob", 3.0).await.status()];
    assert_eq!(statuses[1], 201, "{statuses:?}");
}

#[tokio::test]
async fn a_frozen_redis_is_503() {
    let api = api().await;
    api.redis.pause().unwrap();
    assert!(unavailable(&api).await.contains("unknown"));
    api.redis.resume().unwrap();
}

#[tokio::test]
async fn a_redis_that_is_not_open_is_503_and_nothing_was_judged() {
    let api = api().await;
    api.redis.kill().await.unwrap();
    api.redis.start().await.unwrap();
    let _ = api.get("/ready").await;
    assert!(unavailable(&api).await.contains("not open"));
}

#[tokio::test]
async fn a_bid_does_not_need_nats() {
    let api = api_with(|config| config.publish_deadline = Duration::from_millis(1)).await;
    for amount in 1..=50 {
        assert_eq!(api.bid("lot1", "alice", f64::from(amount)).await.status(), 201);
    }
}

#[tokio::test]
async fn at_shutdown_requests_in_progress_are_answered() {
    let api = api().await;
    let (client, url) = (api.client.clone(), format!("{}/api/v1/items/lot1/bid", api.url));
    let bids: Vec<_> = (1..=20)
        .map(|amount| client.post(&url).json(&json!({ "user_id": "alice", "amount": amount })).send())
        .map(tokio::spawn)
        .collect();
    // Some are under way, some not even connected: each is answered or refused a connection, none is cut off.
    tokio::task::yield_now().await;
    api.stop().await.unwrap();
    for bid in bids {
        match bid.await.unwrap() {
            Ok(response) => assert!(matches!(response.status().as_u16(), 200 | 201), "{response:?}"),
            Err(error) => assert!(error.is_connect() || error.is_request(), "{error:?}"),
        }
    }
}
