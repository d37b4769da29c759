//! What an API Gateway HTTP API makes of a function's answer: payload format 2.0.

mod fields;
mod status;
#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, SET_COOKIE};
use http::{Response, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;

use self::fields::Fields;
use self::status::Status;

/// `multiValueHeaders`, which some libraries send, is no field of this format; API Gateway passes over it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: Option<Status>,
    #[serde(default)]
    headers: Fields,
    cookies: Option<Vec<String>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

/// An answer that is not understood is the function's fault: 500.
pub(crate) fn to_response(payload: &Bytes) -> Response<Bytes> {
    let response = match serde_json::from_slice::<Answer>(payload) {
        Ok(answer) => match answer.status_code {
            Some(Status(status)) => formatted(status, answer),
            None => inferred(payload),
        },
        Err(_) if has_status(payload) => None,
        Err(_) => inferred(payload),
    };
    response.unwrap_or_else(|| error(StatusCode::INTERNAL_SERVER_ERROR))
}

/// An answer of the gateway itself: `{"message":"Not Found"}` for 404.
pub(crate) fn error(status: StatusCode) -> Response<Bytes> {
    let message = status.canonical_reason().unwrap_or_default();
    json(status, format!(r#"{{"message":"{message}"}}"#).into())
}

fn formatted(status: StatusCode, answer: Answer) -> Option<Response<Bytes>> {
    let body = answer.body.unwrap_or_default();
    let body = match answer.is_base64_encoded {
        Some(true) => STANDARD.decode(body).ok()?.into(),
        Some(false) | None => Bytes::from(body),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for cookie in answer.cookies.unwrap_or_default() {
        headers.append(SET_COOKIE, HeaderValue::from_maybe_shared(Bytes::from(cookie)).ok()?);
    }
    for (name, value) in answer.headers.0 {
        headers.append(name, value);
    }
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    Some(response)
}

/// JSON without a status is the body of a 200. Of a string, what is between the quotes.
fn inferred(payload: &Bytes) -> Option<Response<Bytes>> {
    if let Ok(text) = serde_json::from_slice::<String>(payload) {
        return Some(json(StatusCode::OK, text.into()));
    }
    serde_json::from_slice::<IgnoredAny>(payload).ok()?;
    Some(json(StatusCode::OK, payload.clone()))
}

fn has_status(payload: &Bytes) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct OnlyStatus {
        status_code: Option<IgnoredAny>,
    }
    serde_json::from_slice::<OnlyStatus>(payload).is_ok_and(|answer| answer.status_code.is_some())
}

fn json(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
