use bytes::Bytes;
use http::{Response, StatusCode};
use lambda_http::http::Response as FunctionResponse;
use lambda_http::{Body, LambdaEvent, service_fn};
use proptest::prelude::*;

use super::{error, to_response};

fn answer(payload: &str) -> Response<Bytes> {
    to_response(&Bytes::copy_from_slice(payload.as_bytes()))
}

/// Status, type and body.
fn summary(response: &Response<Bytes>) -> (u16, &str, &str) {
    let content_type = response.headers()["content-type"].to_str().unwrap();
    (response.status().as_u16(), content_type, std::str::from_utf8(response.body()).unwrap())
}

const FAULT: (u16, &str, &str) = (500, "application/json", r#"{"message":"Internal Server Error"}"#);

#[test]
fn all_fields_of_an_answer_count() {
    let response = answer(
        r#"{"statusCode":201,"headers":{"Content-Type":"application/json","x-count":3,"x-new":true},
            "multiValueHeaders":{"x-old":["1","2"]},"cookies":["a=1; Path=/","b=2"],
            "body":"{\"a\":\"λ\"}","isBase64Encoded":false}"#,
    );
    assert_eq!(summary(&response), (201, "application/json", r#"{"a":"λ"}"#));
    let headers = response.headers();
    assert_eq!((headers["x-count"].as_bytes(), headers["x-new"].as_bytes()), (&b"3"[..], &b"true"[..]));
    assert_eq!(headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1; Path=/", "b=2"]);
    assert!(!headers.contains_key("x-old"));
}

#[test]
fn a_body_may_be_binary_or_missing() {
    let response = answer(r#"{"statusCode":200,"body":"/wD+","isBase64Encoded":true}"#);
    assert_eq!(response.body().as_ref(), [0xff, 0x00, 0xfe]);
    assert_eq!(summary(&answer(r#"{"statusCode":204}"#)), (204, "text/plain;charset=UTF-8", ""));
    let nulls = r#"{"statusCode":"404","headers":null,"cookies":null,"body":null,"isBase64Encoded":null}"#;
    assert_eq!(summary(&answer(nulls)), (404, "text/plain;charset=UTF-8", ""));
}

#[test]
fn the_connection_is_not_the_functions_business() {
    let headers = r#"{"content-length":"9000","transfer-encoding":"chunked","connection":"close","x-kept":"1"}"#;
    let response = answer(&format!(r#"{{"statusCode":200,"headers":{headers},"body":"x"}}"#));
    let names: Vec<_> = response.headers().keys().map(http::HeaderName::as_str).collect();
    assert_eq!(names, ["x-kept", "content-type"]);
}

#[test]
fn json_without_a_status_is_a_body() {
    for (payload, body) in [
        (r#"{"message": "hi"}"#, r#"{"message": "hi"}"#),
        (r#"{"headers": 7, "body": {}}"#, r#"{"headers": 7, "body": {}}"#),
        (r#""Hello from Lambda!""#, "Hello from Lambda!"),
        ("[1, 2]", "[1, 2]"),
        ("null", "null"),
        ("17", "17"),
    ] {
        assert_eq!(summary(&answer(payload)), (200, "application/json", body), "{payload}");
    }
}

#[test]
fn what_is_not_understood_is_a_fault() {
    for payload in [
        "",
        "{",
        "hello",
        r#"{"statusCode":200} x"#,
        r#"{"statusCode":99}"#,
        r#"{"statusCode":100}"#,
        r#"{"statusCode":600}"#,
        r#"{"statusCode":200.5}"#,
        r#"{"statusCode":"ok"}"#,
        r#"{"statusCode":200,"body":{}}"#,
        r#"{"statusCode":200,"body":"*","isBase64Encoded":true}"#,
        r#"{"statusCode":200,"headers":{"a b":"1"}}"#,
        r#"{"statusCode":200,"headers":{"a":"1\n2"}}"#,
        r#"{"statusCode":200,"headers":{"a":["1"]}}"#,
        r#"{"statusCode":200,"cookies":["a\r\nb"]}"#,
    ] {
        assert_eq!(summary(&answer(payload)), FAULT, "{payload}");
    }
    assert_eq!(summary(&error(StatusCode::NOT_FOUND)), (404, "application/json", r#"{"message":"Not Found"}"#));
    let busy = (503, "application/json", r#"{"message":"Service Unavailable"}"#);
    assert_eq!(summary(&error(StatusCode::SERVICE_UNAVAILABLE)), busy);
}

/// What `lambda_http` sends for a response of a function.
async fn from_function(response: FunctionResponse<Body>) -> Response<Bytes> {
    use lambda_http::tower::ServiceExt;
    let mut response = Some(response);
    let function = service_fn(move |_: lambda_http::Request| {
        let response = response.take().unwrap();
        async move { Ok::<_, lambda_http::Error>(response) }
    });
    let event = r#"{"version":"2.0","rawPath":"/","headers":{},"requestContext":{"http":{"method":"GET"}}}"#;
    let event = LambdaEvent::new(serde_json::from_str(event).unwrap(), lambda_http::Context::default());
    let answer = lambda_http::Adapter::from(function).oneshot(event).await.unwrap();
    to_response(&serde_json::to_vec(&answer).unwrap().into())
}

#[tokio::test]
async fn the_answers_of_lambda_http_come_back() {
    let text = FunctionResponse::builder().status(201).header("content-type", "application/json");
    let text =
        text.header("set-cookie", "a=1").header("set-cookie", "b=2").body(Body::Text("{\"b\":\"λ\"}".to_owned()));
    let response = from_function(text.unwrap()).await;
    assert_eq!(summary(&response), (201, "application/json", "{\"b\":\"λ\"}"));
    assert_eq!(response.headers().get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
    let binary = FunctionResponse::builder().header("content-type", "image/png").body(Body::Binary(vec![0xff, 0]));
    assert_eq!(from_function(binary.unwrap()).await.body().as_ref(), [0xff, 0]);
    let empty = FunctionResponse::builder().status(204).body(Body::Empty);
    assert_eq!(from_function(empty.unwrap()).await.status(), StatusCode::NO_CONTENT);
}

proptest! {
    #[test]
    fn no_payload_brings_it_down(
        payload in "\\{?(\"statusCode\":[0-9]{1,3},?)?(\"(body|headers|cookies|x)\":[\\[{\"a:,0-9}\\]]{0,8},?)?\\}?",
    ) {
        let response = answer(&payload);
        prop_assert!(response.status().as_u16() >= 200);
    }
}
