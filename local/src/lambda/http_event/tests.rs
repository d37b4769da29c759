use std::net::SocketAddr;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use lambda_http::{Body, RequestExt};
use proptest::prelude::*;
use serde_json::{Value, json};
use time::macros::datetime;

use super::{HttpRequest, trace_id};
use crate::lambda::router::{Router, decoded_path};
use crate::lambda::template::{Function, Route, RouteMethod};

fn router() -> Router {
    let route = |path: &str| Route {
        method: RouteMethod::Any,
        path: path.to_owned(),
        integration_timeout: Duration::from_secs(30),
    };
    let function = Function {
        logical_id: "ItemsFunction".to_owned(),
        binary: "items".to_owned(),
        memory_mib: 512,
        timeout: Duration::from_secs(5),
        variables: [].into(),
        routes: vec![route("/api/v1/items/{id}"), route("$default")],
        schedules: Vec::new(),
        queues: Vec::new(),
        reserved_concurrency: None,
        provisioned_concurrency: None,
    };
    Router::new(&[function]).unwrap()
}

fn event_text(parts: &Parts, body: &[u8], authorizer: Option<&Value>) -> String {
    let path = decoded_path(parts.uri.path());
    let router = router();
    let request = HttpRequest {
        parts,
        path: &path,
        body,
        found: &router.find(&parts.method, &path).unwrap(),
        peer: "10.0.0.7:51234".parse::<SocketAddr>().unwrap(),
        request_id: "JKJaXmPLvHcESHA=",
        trace_id: &trace_id(datetime!(2026-07-10 19:19:05.766 UTC), 0x1bae_89e2_512e_c92d_5d94_38a0_0000_0000),
        time: datetime!(2026-07-10 21:19:05.766 +2),
        authorizer,
    };
    String::from_utf8(request.to_event().unwrap().into()).unwrap()
}

fn event(request: http::request::Builder, body: &[u8]) -> Value {
    let (parts, ()) = request.body(()).unwrap().into_parts();
    serde_json::from_str(&event_text(&parts, body, None)).unwrap()
}

/// After what the function of a real HTTP API saw. Here the API has another name and no TLS, and the request brings a
/// third cookie and headers of its connection as well.
#[test]
fn the_event_is_the_one_that_aws_sends() {
    let query =
        "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b&encodedPlus=a%2Bb&empty=";
    let request = Request::post(format!("/capture/space%20value?{query}"))
        .header("host", "127.0.0.1:8080")
        .header("accept", "*/*")
        .header("user-agent", "curl/8.7.1")
        .header("content-type", "application/json")
        .header("content-length", "33")
        .header("connection", "keep-alive, x-private")
        .header("x-private", "of this connection")
        .header("te", "trailers")
        .header("x-voker-probe", "first")
        .header("x-voker-probe", "second")
        .header("cookie", "session=abc123; theme=dark")
        .header("cookie", "third=3");
    let expected = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/capture/space value",
        "rawQueryString": query,
        "cookies": ["session=abc123", "theme=dark", "third=3"],
        "headers": {
            "accept": "*/*",
            "content-length": "29",
            "content-type": "application/json",
            "host": "127.0.0.1:8080",
            "user-agent": "curl/8.7.1",
            "x-amzn-trace-id": "Root=1-6a5145a9-1bae89e2512ec92d5d9438a0",
            "x-forwarded-for": "10.0.0.7",
            "x-forwarded-port": "8080",
            "x-forwarded-proto": "http",
            "x-voker-probe": "first,second"
        },
        "queryStringParameters": {
            "empty": "",
            "encodedPlus": "a+b",
            "literalPlus": "a b",
            "redirect": "https://example.com/a/b",
            "repeat": "one,two"
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": "127.0.0.1",
            "domainPrefix": "127",
            "http": {
                "method": "POST",
                "path": "/capture/space value",
                "protocol": "HTTP/1.1",
                "sourceIp": "10.0.0.7",
                "userAgent": "curl/8.7.1"
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "10/Jul/2026:19:19:05 +0000",
            "timeEpoch": 1_783_711_145_766_i64
        },
        "body": "{\"unicode\":\"lambda-λ\",\"n\":1}",
        "isBase64Encoded": false
    });
    assert_eq!(event(request, "{\"unicode\":\"lambda-λ\",\"n\":1}".as_bytes()), expected);
}

#[test]
fn what_a_request_lacks_its_event_lacks() {
    let event = event(Request::get("/api/v1/items/lot1"), b"");
    for field in ["cookies", "queryStringParameters", "body"] {
        assert!(event.get(field).is_none(), "{field}");
    }
    assert!(event["requestContext"].get("authorizer").is_none());
    assert_eq!(event["routeKey"], "ANY /api/v1/items/{id}");
    assert_eq!(event["requestContext"]["routeKey"], "ANY /api/v1/items/{id}");
    assert_eq!(event["pathParameters"], json!({"id": "lot1"}));
    assert_eq!((&event["rawQueryString"], &event["isBase64Encoded"]), (&json!(""), &json!(false)));
    assert_eq!(event["headers"]["content-length"], "0");
}

#[test]
fn the_values_of_a_parameter_are_joined_wherever_they_stand() {
    let event = event(Request::get("/?b=1&a=%2C&b=2&c&b=3"), b"");
    assert_eq!(event["queryStringParameters"], json!({"a": ",", "b": "1,2,3", "c": ""}));
}

#[test]
fn the_sender_may_be_a_proxy() {
    let request = Request::get("/")
        .header("x-forwarded-for", "203.0.113.9, 198.51.100.1")
        .header("x-forwarded-proto", "gopher")
        .header("x-amzn-trace-id", "Root=1-abc");
    let headers = &event(request, b"")["headers"];
    assert_eq!(headers["x-forwarded-for"], "203.0.113.9, 198.51.100.1, 10.0.0.7");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["x-amzn-trace-id"], "Root=1-abc");
}

#[test]
fn an_authorizer_is_passed_on() {
    let (parts, ()) = Request::get("/").body(()).unwrap().into_parts();
    let authorizer = json!({"jwt": {"claims": {"sub": "alice"}, "scopes": ["bid"]}});
    let event: Value = serde_json::from_str(&event_text(&parts, b"", Some(&authorizer))).unwrap();
    assert_eq!(event["requestContext"]["authorizer"], authorizer);
}

#[test]
fn only_some_types_are_text() {
    let is_binary = |content_type: &str, body: &[u8]| {
        let event = event(Request::post("/").header("content-type", content_type), body);
        event["isBase64Encoded"].as_bool().unwrap()
    };
    for text in [
        "text/plain",
        "TEXT/html; charset=utf-8",
        "application/json;charset=utf-8",
        "Application/XML",
        "application/javascript",
    ] {
        assert!(!is_binary(text, b"x"), "{text}");
        assert!(is_binary(text, b"\xff"), "{text}");
    }
    for binary in ["application/x-www-form-urlencoded", "application/problem+json", "image/png", "textual", "text", ""]
    {
        assert!(is_binary(binary, b"x"), "{binary}");
    }
    assert_eq!(event(Request::post("/"), b"hello")["body"], "aGVsbG8=");
}

/// What `lambda_http` makes of the event.
fn seen_by_the_function(parts: &Parts, body: &[u8]) -> lambda_http::Request {
    lambda_http::request::from_str(&event_text(parts, body, None)).unwrap()
}

#[test]
fn a_function_sees_the_request_that_was_sent() {
    let request = Request::put("/api/v1/items/lot%201?after=3&x=%2F")
        .header("host", "127.0.0.1:8080")
        .header("content-type", "application/json")
        .header("cookie", "a=1; b=2");
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let seen = seen_by_the_function(&parts, b"{\"amount\":1}");
    assert_eq!(seen.method(), Method::PUT);
    assert_eq!(seen.uri(), "http://127.0.0.1:8080/api/v1/items/lot%201?after=3&x=%2F");
    assert_eq!(seen.path_parameters().first("id"), Some("lot 1"));
    assert_eq!(seen.query_string_parameters().first("x"), Some("/"));
    assert_eq!(seen.headers()["cookie"], "a=1; b=2");
    assert_eq!(seen.headers()["content-type"], "application/json");
    assert_eq!(*seen.body(), Body::Text("{\"amount\":1}".to_owned()));
    let (parts, ()) = Request::post("/").header("content-type", "image/png").body(()).unwrap().into_parts();
    assert_eq!(*seen_by_the_function(&parts, b"\x89PNG\xff").body(), Body::Binary(b"\x89PNG\xff".to_vec()));
    assert_eq!(*seen_by_the_function(&parts, b"").body(), Body::Empty);
}

fn headers() -> impl Strategy<Value = HeaderMap> {
    let names = ["accept", "x-one", "cookie", "content-type", "connection", "x-forwarded-for", "te", "user-agent"];
    let value = proptest::collection::vec(prop_oneof![32_u8..127, 128_u8..=255], 0..12);
    let header = (proptest::sample::select(names.to_vec()), value);
    proptest::collection::vec(header, 0..8).prop_map(|headers| {
        let valid = |(name, value): (&'static str, Vec<u8>)| {
            Some((HeaderName::from_static(name), HeaderValue::from_bytes(&value).ok()?))
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers.into_iter().filter_map(valid) {
            map.append(name, value);
        }
        map
    })
}

proptest! {
    #[test]
    fn any_request_has_an_event_that_a_function_reads(
        path in "/([!-~]|%[0-9A-F]{2}|/|[.]){0,20}",
        headers in headers(),
        body in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let Ok(request) = Request::get(path).body(()) else { return Ok(()) };
        let (mut parts, ()) = request.into_parts();
        parts.headers = headers;
        let seen = seen_by_the_function(&parts, &body);
        // A decoded `#` hides the query from the function, on AWS as well.
        if !decoded_path(parts.uri.path()).contains('#') {
            prop_assert_eq!(seen.uri().query().unwrap_or_default(), parts.uri.query().unwrap_or_default());
        }
        let seen_body: &[u8] = seen.body();
        prop_assert_eq!(seen_body, body);
    }
}
