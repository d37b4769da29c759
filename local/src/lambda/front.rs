//! The HTTP API in front of the functions: finds the function of a request, and turns requests into events and answers
//! into responses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router as Routes;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use time::OffsetDateTime;
use tower_http::cors::CorsLayer;
use uuid::Uuid;

use super::http_answer;
use super::http_event::{HttpRequest, trace_id};
use super::invocation::{End, Outcome};
use super::pool::Pool;
use super::router::{Router, decoded_path};

/// Lambda's bound for an event, which is below API Gateway's for a request.
const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;
/// A client that sends its body slower than this holds a connection for nothing.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

pub(super) struct Front {
    pub(super) router: Router,
    /// One for each function, in the template's order.
    pub(super) pools: Vec<Arc<Pool>>,
}

pub(super) fn routes(front: Front, cors: Option<CorsLayer>) -> Routes {
    let routes = Routes::new().fallback(handle).with_state(Arc::new(front));
    match cors {
        Some(cors) => routes.layer(cors),
        None => routes,
    }
}

async fn handle(
    State(front): State<Arc<Front>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    if has_bad_host(&parts) {
        return error(StatusCode::BAD_REQUEST);
    }
    let path = decoded_path(parts.uri.path());
    let Some(found) = front.router.find(&parts.method, &path) else {
        return error(StatusCode::NOT_FOUND);
    };
    let body = match read(body).await {
        Ok(body) => body,
        Err(status) => return error(status),
    };
    let (id, time) = (Uuid::now_v7(), OffsetDateTime::now_utc());
    let (request_id, trace_id) = (id.simple().to_string(), trace_id_of(&parts, time, id));
    let request = HttpRequest {
        parts: &parts,
        path: &path,
        body: &body,
        found: &found,
        peer,
        request_id: &request_id,
        trace_id: &trace_id,
        time,
        authorizer: None,
    };
    let Ok(event) = request.to_event() else { return error(StatusCode::INTERNAL_SERVER_ERROR) };
    let answered = front.pools[found.function].invoke(id, event, trace_id);
    match tokio::time::timeout(found.integration_timeout, answered).await {
        Ok(outcome) => respond(outcome),
        // The function goes on, as on Lambda.
        Err(_) => error(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// A client may bring one along.
fn trace_id_of(parts: &Parts, time: OffsetDateTime, request: Uuid) -> String {
    let brought = parts.headers.get("x-amzn-trace-id").and_then(|value| value.to_str().ok());
    brought.map_or_else(|| trace_id(time, request.as_u128()), str::to_owned)
}

/// Functions make a URL of it, and some libraries take for granted that this succeeds.
fn has_bad_host(parts: &Parts) -> bool {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let is_host = |host: &HeaderValue| {
        let authority = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
        // A port without its number is none, and one above 65,535 is not one either.
        authority.is_some_and(|authority| has_good_port(&authority))
    };
    hosts.next().is_some_and(|host| !is_host(host)) || hosts.next().is_some()
}

fn has_good_port(authority: &Authority) -> bool {
    let after_host = authority.as_str().trim_start_matches(authority.host());
    after_host.is_empty() || authority.port_u16().is_some()
}

async fn read(body: Body) -> Result<Bytes, StatusCode> {
    match tokio::time::timeout(BODY_DEADLINE, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if error.to_string().contains("length limit") => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

fn respond(Outcome { end, sandbox }: Outcome) -> Response {
    let mut response = match end {
        End::Answered(payload) => http_answer::to_response(&payload).map(Body::from),
        End::Failed(_) | End::Crashed | End::TimedOut => error(StatusCode::INTERNAL_SERVER_ERROR),
        End::Throttled => {
            let mut response = error(StatusCode::TOO_MANY_REQUESTS);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        End::Stopped => error(StatusCode::SERVICE_UNAVAILABLE),
    };
    if let Some(used) = sandbox {
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(&used.id) {
            headers.insert(HeaderName::from_static("x-sandbox-id"), id);
        }
        let is_cold = HeaderValue::from_static(if used.is_cold { "true" } else { "false" });
        headers.insert(HeaderName::from_static("x-cold-start"), is_cold);
    }
    response
}

fn error(status: StatusCode) -> Response {
    http_answer::error(status).map(Body::from)
}
