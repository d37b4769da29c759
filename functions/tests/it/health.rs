use reqwest::{Method, header};
use serde_json::json;

use crate::support::{api, api_with, parts};

#[tokio::test]
async fn health_answers_without_redis() {
    let api = api().await;
    api.redis.kill().await.unwrap();
    let (status, _, body) = parts(api.get("/health").await).await;
    assert_eq!((status, &body["status"], &body["service"]), (200, &json!("healthy"), &json!("bidding-api")));
    assert!(body["time"].as_str().unwrap().contains('T'), "{body}");
}

#[tokio::test]
async fn ready_says_what_is_down() {
    let api = api().await;
    let (status, _, body) = parts(api.get("/ready").await).await;
    assert_eq!((status, &body["status"], &body["nats"]), (200, &json!("ready"), &json!("down")));

    api.redis.kill().await.unwrap();
    let response = api.get("/ready").await;
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    let (status, _, body) = parts(response).await;
    assert_eq!((status, &body["redis"]), (503, &json!("down")));

    api.redis.start().await.unwrap();
    let (status, _, body) = parts(api.get("/ready").await).await;
    assert_eq!((status, &body["redis"]), (503, &json!("up")), "{body}");
    assert!(body["bids"].as_str().unwrap().starts_with("closed"), "{body}");
}

#[tokio::test]
async fn only_pages_of_the_configured_origins_may_call() {
    let api = api_with(|config| config.cors_origins = vec!["http://page.example".parse().unwrap()]).await;
    let preflight = |origin: &'static str| {
        let request = api.client.request(Method::OPTIONS, format!("{}/api/v1/items/lot1/bid", api.url));
        let request = request.header(header::ORIGIN, origin).header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
        request.send()
    };
    let ours = preflight("http://page.example").await.unwrap();
    assert_eq!(ours.status(), 200);
    assert_eq!(ours.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "http://page.example");
    assert!(ours.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().contains("idempotency-key"));
    let theirs = preflight("http://evil.example").await.unwrap();
    assert_eq!(theirs.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN), None);
}
