//! Input that is no bid: the exact status, problem+json, and Redis as it was.

use reqwest::header;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{TestApi, api, parts, problem};

/// Everything in Redis, with its value.
async fn contents(api: &TestApi) -> Vec<(String, Option<Vec<u8>>)> {
    let client = redis::Client::open(api.redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    keys.sort();
    let mut contents = Vec::new();
    for key in keys {
        let value = redis::cmd("DUMP").arg(&key).query_async(&mut connection).await.unwrap();
        contents.push((key, value));
    }
    contents
}

/// Sends bytes that no client library would: most resolve dots in a path.
async fn raw(api: &TestApi, request: &str) -> String {
    let mut stream = TcpStream::connect(api.url.trim_start_matches("http://")).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_hostile_id_is_400_before_it_reaches_anything() {
    let api = api().await;
    api.bid("lot1", "alice", 0.01).await;
    let before = contents(&api).await;
    for dots in [".", ".."] {
        let answer =
            raw(&api, &format!("GET /api/v1/items/{dots} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{dots}: {answer}");
    }
    let long = "x".repeat(65);
    let huge = "x".repeat(10_000);
    let ids = [
        "*",
        "%3E",
        "%7B%7D",
        "a%20b",
        "a.b",
        "%C3%A9",
        "%F0%9F%92%8E",
        "%00",
        "a%0D%0AX",
        "item:1",
        "a%2Fb",
        "%ff",
        "%24",
        &long,
        &huge,
    ];
    for id in ids {
        problem(400, parts(api.bid(id, "alice", 1.0).await).await);
        problem(400, parts(api.get(&format!("/api/v1/items/{id}x%2E")).await).await);
        problem(400, parts(api.get(&format!("/api/v1/items/{id}x%2E/bids")).await).await);
    }
    assert_eq!(contents(&api).await, before);
}

#[tokio::test]
async fn a_hostile_body_is_400_and_says_why() {
    let api = api().await;
    api.bid("lot1", "alice", 0.01).await;
    let before = contents(&api).await;
    let bodies = [
        ("", "not a bid"),
        ("not json", "not a bid"),
        ("{", "not a bid"),
        ("[1]", "a JSON object"),
        (r#"["alice",5,null]"#, "a JSON object"),
        (r#"{"user_id":"alice"}"#, "missing field `amount`"),
        (r#"{"amount":1}"#, "missing field `user_id`"),
        (r#"{"user_id":"alice","amount":1,"admin":true}"#, "unknown field"),
        (r#"{"user_id":"","amount":1}"#, "user_id:"),
        (r#"{"user_id":"a b","amount":1}"#, "user_id:"),
        (r#"{"user_id":"*","amount":1}"#, "user_id:"),
        (r#"{"user_id":"é","amount":1}"#, "user_id:"),
        (r#"{"user_id":"alice","amount":0}"#, "greater than zero"),
        (r#"{"user_id":"alice","amount":-1}"#, "greater than zero"),
        (r#"{"user_id":"alice","amount":1e400}"#, "at most"),
        (r#"{"user_id":"alice","amount":9007199254740992}"#, "at most"),
        (r#"{"user_id":"alice","amount":NaN}"#, "not a bid"),
        (r#"{"user_id":"alice","amount":"100"}"#, "not a number"),
        (r#"{"user_id":"alice","amount":100.001}"#, "two decimals"),
        (r#"{"user_id":"alice","amount":1,"max_amount":2}"#, "max_amount"),
    ];
    for (body, expected) in bodies {
        let detail = problem(400, parts(api.post("lot1", body).await).await);
        assert!(detail.contains(expected), "{body}: {detail}");
    }
    let long_user = format!(r#"{{"user_id":"{}","amount":1}}"#, "x".repeat(129));
    problem(400, parts(api.post("lot1", &long_user).await).await);
    assert_eq!(contents(&api).await, before);
}

#[tokio::test]
async fn a_body_that_is_not_json_or_too_large_is_415_or_413() {
    let api = api().await;
    api.bid("lot1", "alice", 0.01).await;
    let before = contents(&api).await;
    let bid = r#"{"user_id":"alice","amount":1}"#;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let request = api.client.post(format!("{}/api/v1/items/lot1/bid", api.url));
        let response = request.header(header::CONTENT_TYPE, content_type).body(bid).send().await.unwrap();
        problem(415, parts(response).await);
    }
    for length in [4 * 1024 + 1, 1_000_000] {
        let body = format!("{bid}{}", " ".repeat(length - bid.len()));
        problem(413, parts(api.post("lot1", &body).await).await);
    }
    assert_eq!(contents(&api).await, before);
    let full = format!("{bid}{}", " ".repeat(4 * 1024 - bid.len()));
    assert_eq!(api.post("lot1", &full).await.status(), 201);
}

#[tokio::test]
async fn other_paths_are_404_and_other_methods_405() {
    let api = api().await;
    for path in ["/", "/api/v1/items", "/api/v1/items/lot1/bid/x", "/api/v2/items/lot1"] {
        problem(404, parts(api.get(path).await).await);
    }
    let response = api.get("/api/v1/items/lot1/bid").await;
    assert_eq!(response.headers()[header::ALLOW], "POST");
    problem(405, parts(response).await);
}
