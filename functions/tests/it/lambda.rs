//! The same routes behind the Runtime API's events, as API Gateway sends them.

use functions::{
    App, Config, lambda,
    routes::{self, Function, router},
};
use lambda_http::Body;
use serde_json::{Value, json};

use crate::support::{config, open_redis};

/// An HTTP API event, payload format 2.0.
fn event(method: &str, path: &str, body: &str, is_base64: bool) -> String {
    json!({
        "version": "2.0", "routeKey": format!("{method} {path}"), "rawPath": path, "rawQueryString": "",
        "headers": { "content-type": "application/json", "host": "example.org" },
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "example.org", "domainPrefix": "example", "requestId": "r",
            "routeKey": "$default", "stage": "$default", "time": "23/Nov/2026:17:47:43 +0000", "timeEpoch": 1,
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "u" },
        },
        "body": body, "isBase64Encoded": is_base64,
    })
    .to_string()
}

async fn answer(config: &Config, function: &Function, event: &str) -> (u16, Value) {
    let app = App::new(config).await.unwrap();
    let request = lambda_http::request::from_str(event).unwrap();
    let response = lambda::answer(router(app, config, &[function]).unwrap(), request).await.unwrap();
    let Body::Text(text) = response.body() else { panic!("not text: {response:?}") };
    (response.status().as_u16(), serde_json::from_str(text).unwrap())
}

#[tokio::test]
async fn a_function_answers_its_own_routes_and_no_others() {
    let redis = open_redis().await;
    let config = config(&redis);
    let bid = r#"{"user_id":"alice","amount":100.01}"#;
    let path = "/api/v1/items/lot1/bid";
    let (status, body) = answer(&config, &routes::PLACE_BID, &event("POST", path, bid, false)).await;
    assert_eq!((status, &body["current_bid"]), (201, &json!(100.01)));
    let (status, body) = answer(&config, &routes::ITEMS, &event("GET", "/api/v1/items/lot1", "", false)).await;
    assert_eq!((status, &body["highest_bidder_id"]), (200, &json!("alice")));
    let (status, _) = answer(&config, &routes::ITEMS, &event("POST", path, bid, false)).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_repetition_is_recognised_in_another_sandbox() {
    let redis = open_redis().await;
    let config = config(&redis);
    let keyed = |amount: u32| {
        let bid = json!({ "user_id": "alice", "amount": amount }).to_string();
        let event = event("POST", "/api/v1/items/lot1/bid", &bid, false);
        event.replace(r#""host":"example.org""#, r#""host":"example.org","idempotency-key":"key""#)
    };
    let first = answer(&config, &routes::PLACE_BID, &keyed(7)).await;
    assert_eq!((first.0, &first.1["seq"]), (201, &json!(1)));
    assert_eq!(answer(&config, &routes::PLACE_BID, &keyed(7)).await, first);
    assert_eq!(answer(&config, &routes::PLACE_BID, &keyed(8)).await.0, 422);
}

#[tokio::test]
async fn an_id_does_not_become_another_one_on_the_way() {
    let redis = open_redis().await;
    let config = config(&redis);
    let bid = r#"{"user_id":"alice","amount":7}"#;
    for id in ["a\r\nb", "a\tb", "ab\\", "ab#", "ab?", "a b", "é"] {
        let path = format!("/api/v1/items/{id}/bid");
        let (status, body) = answer(&config, &routes::PLACE_BID, &event("POST", &path, bid, false)).await;
        assert_eq!(status, 400, "{id:?}: {body}");
        let path = format!("/api/v1/items/{id}");
        let (status, body) = answer(&config, &routes::ITEMS, &event("GET", &path, "", false)).await;
        assert_eq!(status, 400, "{id:?}: {body}");
    }
}

#[tokio::test]
async fn a_base64_body_is_a_body() {
    let redis = open_redis().await;
    // {"user_id":"alice","amount":7}
    let bid = "eyJ1c2VyX2lkIjoiYWxpY2UiLCJhbW91bnQiOjd9";
    let event = event("POST", "/api/v1/items/lot1/bid", bid, true);
    let (status, body) = answer(&config(&redis), &routes::PLACE_BID, &event).await;
    assert_eq!((status, &body["current_bid"]), (201, &json!(7.0)));
}
