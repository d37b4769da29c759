//! The HTTP API in front of the functions: finds the function of a request, and turns requests into events and answers
//! into responses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router as Routes;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::serve::ListenerExt;
use bytes::Bytes;
use time::OffsetDateTime;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::http_event::{HttpRequest, trace_id};
use super::invocation::{End, Outcome};
use super::pool::Pool;
use super::router::{Router, decoded_path};
use super::template::Cors;
use super::{cors, http_answer};

/// Connections that wait to be accepted: thousands of bidders who come at once must not be turned away.
const BACKLOG: u32 = 4_096;
/// API Gateway's bound for a request.
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// A client that sends its body slower than this holds a connection for nothing.
const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// How long requests in progress may take at the end; as long as the `api` process gives them.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);

pub(super) struct Front {
    pub(super) router: Router,
    /// One for each function, in the template's order.
    pub(super) pools: Vec<Arc<Pool>>,
    pub(super) cors: Option<Cors>,
}

pub(super) fn listen(address: SocketAddr) -> Result<TcpListener> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().with_context(|| format!("API_ADDR: cannot listen on {address}"))
}

/// Serves until `shutdown` is cancelled, then finishes the requests in progress.
pub(super) async fn serve(front: Front, listener: TcpListener, shutdown: CancellationToken) -> Result<()> {
    let cors = front.cors.as_ref().map(cors::layer).transpose()?;
    let mut routes = Routes::new().fallback(handle).with_state(Arc::new(front));
    if let Some(cors) = cors {
        routes = routes.layer(cors);
    }
    let listener = listener.tap_io(|stream| {
        // Small answers must not wait for more; a failure costs only latency.
        let _ = stream.set_nodelay(true);
    });
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let drained = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN_DEADLINE).await;
    };
    tokio::select! {
        served = served.into_future() => served.context("the HTTP API ended"),
        () = drained => {
            eprintln!("some requests were cut off");
            Ok(())
        }
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
    let host = parts.headers.get(header::HOST);
    host.is_some_and(|host| host.to_str().ok().is_none_or(|host| host.parse::<Authority>().is_err()))
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
