//! Who becomes a viewer.

use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, exchange};
use crate::stage::{Stage, until};

const GOOD: &str = "GET /ws/items/lot1 HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The status and the problem's type.
async fn refusal(stage: &Stage, request: &str) -> (u16, String, String) {
    let answer = exchange(stage.relay.address, request).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(head.to_lowercase().contains("content-type: application/problem+json"), "{answer}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["status"], status);
    assert!(body["title"].is_string() && body["detail"].is_string());
    (status, body["type"].as_str().unwrap().to_owned(), head.to_lowercase())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_handshake_gets_its_own_answer() {
    let stage = Stage::start().await;
    let cases: &[(&str, &str, u16, &str)] = &[
        ("lot1", "a.b", 400, "/problems/bad-item-id"),
        ("lot1", "%3E", 400, "/problems/bad-item-id"),
        ("lot1", "%FF", 400, "/problems/bad-item-id"),
        ("lot1", &"x".repeat(65), 400, "/problems/bad-item-id"),
        // A bad id comes before everything else.
        ("lot1 HTTP/1.1", "a.b HTTP/1.1\r\nOrigin: https://evil.example", 400, "/problems/bad-item-id"),
        ("Host: x", "Host: x\r\nOrigin: https://evil.example", 403, "/problems/origin"),
        ("Host: x", "Host: x\r\nOrigin: null", 403, "/problems/origin"),
        ("Upgrade: websocket", "Upgrade: h2c", 426, "/problems/upgrade-required"),
        ("Upgrade: websocket\r\n", "", 426, "/problems/upgrade-required"),
        ("Version: 13", "Version: 8", 426, "/problems/websocket-version"),
        ("Sec-WebSocket-Version: 13\r\n", "", 426, "/problems/websocket-version"),
        ("keep-alive, Upgrade", "close", 400, "/problems/websocket-handshake"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", 400, "/problems/websocket-handshake"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400, "/problems/websocket-handshake"),
        ("GET /ws/items/lot1", "GET /ws/items/lot1/x", 404, "/problems/not-found"),
        ("GET ", "POST ", 405, "/problems/method-not-allowed"),
    ];
    for (from, to, status, kind) in cases {
        let request = GOOD.replacen(from, to, 1);
        let (found_status, found_kind, head) = refusal(&stage, &with_close(&request)).await;
        assert_eq!((found_status, found_kind.as_str()), (*status, *kind), "{request}");
        if *kind == "/problems/websocket-version" {
            assert!(head.contains("sec-websocket-version: 13"), "{head}");
        }
    }
    assert_eq!(stage.relay.stats().await["items"], 0);
}

/// Ends the connection after the answer, whatever else the request says.
fn with_close(request: &str) -> String {
    request.replacen("Upgrade\r\n", "Upgrade, close\r\n", 1).replacen("h2c\r\n", "h2c\r\nConnection: close\r\n", 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_this_machine_and_of_the_configured_origins_may_watch() {
    let stage = Stage::start().await;
    for origin in ["http://localhost:3000", "http://127.0.0.1", "https://auctions.example"] {
        let request = reqwest::Client::new().get(stage.relay.url("/ws/items/lot1"));
        let request = request.header("Origin", origin).header("Connection", "Upgrade").header("Upgrade", "websocket");
        let request = request.header("Sec-WebSocket-Version", "13");
        let answer = request.header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==").send().await.unwrap();
        assert_eq!(answer.status(), 101, "{origin}");
        assert_eq!(answer.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn above_the_limit_a_viewer_is_told_when_to_come_back() {
    let stage = Stage::start_with(|config| config.connections_max = 2).await;
    let first = stage.viewer("lot1").await;
    let mut second = stage.viewer("lot1").await;
    let (status, kind, head) = refusal(&stage, &with_close(GOOD)).await;
    assert_eq!((status, kind.as_str()), (503, "/problems/full"));
    assert!(head.contains("retry-after: 5"), "{head}");
    assert_eq!(reqwest::get(stage.relay.url("/health")).await.unwrap().status(), 200);
    let bid = stage.bid("lot1", 1).await;
    assert_eq!(second.frame().await, bid);
    first.close().await;
    until("one has left", async || stage.relay.stats().await["subscribers"] == 1).await;
    let mut third = loop {
        if let Some(third) = Client::try_connect(stage.relay.address, "lot1").await {
            break third;
        }
    };
    third.say(Message::Ping("still there?".into())).await;
    assert_eq!(third.receive().await, Message::Pong("still there?".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_of_one_address_can_be_limited() {
    let stage = Stage::start_with(|config| config.connections_of_address_max = Some(1)).await;
    let first = stage.viewer("lot1").await;
    let (status, kind, head) = refusal(&stage, &with_close(GOOD)).await;
    assert_eq!((status, kind.as_str()), (429, "/problems/address-full"));
    assert!(head.contains("retry-after: 5"), "{head}");
    drop(first);
    until("it has left", async || stage.relay.stats().await["subscribers"] == 0).await;
    stage.viewer("lot1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_pages_may_watch_in_no_way() {
    let stage = Stage::start().await;
    for path in ["/ws/items/lot1", "/ws", "/sse/items/lot1"] {
        let request = reqwest::Client::new().get(stage.relay.url(path)).header("Origin", "https://evil.example");
        assert_eq!(request.send().await.unwrap().status(), 403, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_does_not_end_is_cut_off() {
    let stage = Stage::start().await;
    let half = GOOD.strip_suffix("\r\n").unwrap();
    // Returns only because the relay ends the connection.
    assert!(!exchange(stage.relay.address, half).await.contains("101"));
    assert!(!exchange(stage.relay.address, "").await.contains("101"));
    let huge = GOOD.replacen("Host: x", &format!("Host: x\r\nCookie: {}", "c".repeat(40_000)), 1);
    assert!(exchange(stage.relay.address, &huge).await.starts_with("HTTP/1.1 431"));
}
