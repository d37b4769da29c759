//! Whether the process lives, and whether it can judge bids.

use std::time::SystemTime;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::App;

const SERVICE: &str = "bidding-api";

/// 200 while the process lives. Asks nobody: a dead Redis must not get this process restarted.
pub(crate) async fn health() -> Json<Value> {
    Json(json!({ "status": "healthy", "service": SERVICE, "time": now() }))
}

/// 200 when bids can be judged, else 503. NATS and the archive are reported, but bids do not need them.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let open = app.noted(app.ledger.is_open().await);
    let report = Ready {
        status: if matches!(open, Ok(true)) { "ready" } else { "not ready" },
        service: SERVICE,
        redis: up(open.is_ok()),
        bids: if matches!(open, Ok(true)) { "open" } else { "closed: the archival worker opens them" },
        nats: up(app.publisher.is_connected()),
    };
    let status = if matches!(open, Ok(true)) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = (status, Json(report)).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    service: &'static str,
    redis: &'static str,
    bids: &'static str,
    nats: &'static str,
}

fn up(is_up: bool) -> &'static str {
    if is_up { "up" } else { "down" }
}

#[expect(clippy::disallowed_methods, reason = "a sign of life shows this process's own clock")]
fn now() -> Option<auction::Timestamp> {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    auction::Timestamp::from_microseconds(i64::try_from(since_1970.as_micros()).ok()?)
}
