//! Health, statistics and metrics.

use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;

use crate::client::Client;
use crate::stage::{Stage, get_json};

#[tokio::test(flavor = "multi_thread")]
async fn health_does_not_depend_on_redis_or_nats() {
    let stage = Stage::start().await;
    stage.redis.kill().await.unwrap();
    stage.nats.kill().await.unwrap();
    let health = get_json(&stage.relay.url("/health")).await;
    assert_eq!((&health["status"], &health["service"]), (&"healthy".into(), &"broadcast-service".into()));
    assert!(auction::Timestamp::parse(health["time"].as_str().unwrap()).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_count_the_viewers_of_an_item_and_of_all() {
    let stage = Stage::start().await;
    let item = async |id: &str| get_json(&stage.relay.url(&format!("/stats/items/{id}"))).await;
    assert_eq!(item("lot1").await, serde_json::json!({"itemId": "lot1", "subscribers": 0}));
    let _viewers = (stage.viewer("lot1").await, stage.viewer("lot1").await, stage.viewer("lot2").await);
    assert_eq!(item("lot1").await, serde_json::json!({"itemId": "lot1", "subscribers": 2}));
    let stats = stage.relay.stats().await;
    assert_eq!((&stats["subscribers"], &stats["items"]), (&3.into(), &2.into()));
    assert_eq!(stats["nats_connected"], true);
    let bad = reqwest::get(stage.relay.url("/stats/items/a.b")).await.unwrap();
    assert_eq!(bad.status(), 400);
    assert_eq!(bad.headers()["content-type"], "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_open_metrics_text() {
    let stage = Stage::start().await;
    let mut viewer = stage.viewer("lot1").await;
    stage.bid("lot1", 1).await;
    viewer.frame().await;
    stage.relay.until_stat("frames_sent", 2).await;
    let answer = reqwest::get(stage.relay.url("/metrics")).await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let text = answer.text().await.unwrap();
    for line in [
        "relay_subscribers 1",
        "relay_items 1",
        "relay_nats_connected 1",
        "relay_viewers_connected_total 1",
        "relay_frames_sent_total 2",
        "relay_events_in_order_total 1",
        "# TYPE relay_gaps_filled counter",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configured_origins_may_read_the_statistics() {
    let stage = Stage::start().await;
    let allowed = async |origin: &str| {
        let request = reqwest::Client::new().get(stage.relay.url("/stats")).header("Origin", origin);
        let answer = request.send().await.unwrap();
        answer.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(allowed("https://auctions.example").await.as_deref(), Some("https://auctions.example"));
    assert_eq!(allowed("https://evil.example").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_are_told_when_their_number_has_changed() {
    let stage = Stage::start_with(|config| config.subscribers_interval = Some(Duration::from_millis(50))).await;
    let mut first = stage.viewer("lot1").await;
    let others = [stage.viewer("lot1").await, stage.viewer("lot1").await];
    let told = async |viewer: &mut Client, number: u64| {
        loop {
            let Message::Text(text) = viewer.receive().await else { continue };
            let frame: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!((&frame["type"], &frame["itemId"]), (&"subscribers".into(), &"lot1".into()));
            if frame["subscribers"] == number {
                break;
            }
        }
    };
    told(&mut first, 3).await;
    drop(others);
    told(&mut first, 1).await;
}
