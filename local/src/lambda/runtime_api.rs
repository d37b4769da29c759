//! Lambda's Runtime API, as one sandbox sees it: it asks for an event, answers it, asks again. Every sandbox has an
//! endpoint of its own, so that it is known who asks.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::invocation::{End, Event};
use super::pool::{Key, Pool};
use super::tell;

/// After a failure to accept a connection.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(20);
/// Lambda's bound for an answer.
const ANSWER_BYTES_MAX: usize = 6 * 1024 * 1024;

#[derive(Clone)]
struct Endpoint {
    pool: Arc<Pool>,
    sandbox: Key,
}

/// Serves one sandbox until `closed` is cancelled.
pub(super) async fn serve(listener: TcpListener, pool: Arc<Pool>, sandbox: Key, closed: CancellationToken) {
    let routes = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(answer))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .route("/2020-01-01/extension/register", post(register))
        .route("/2020-01-01/extension/event/next", get(std::future::pending::<StatusCode>))
        .layer(DefaultBodyLimit::max(ANSWER_BYTES_MAX))
        .with_state(Endpoint { pool, sandbox });
    let mut http = http1::Builder::new();
    // A sandbox may end as soon as it has sent its answer, which is read all the same.
    http.half_close(true);
    let mut connections = JoinSet::new();
    let serve = async {
        loop {
            tokio::select! {
                Ok((stream, _)) = listener.accept() => {
                    // Small answers must not wait for more; a failure costs only latency.
                    let _ = stream.set_nodelay(true);
                    let service = TowerToHyperService::new(routes.clone());
                    let connection = http.serve_connection(TokioIo::new(stream), service);
                    connections.spawn(async move { drop(connection.await) });
                }
                Some(_) = connections.join_next() => {}
                // Nothing to accept for want of descriptors.
                else => tokio::time::sleep(ACCEPT_BACKOFF).await,
            }
        }
    };
    closed.run_until_cancelled(serve).await;
}

async fn next(State(Endpoint { pool, sandbox }): State<Endpoint>) -> Response {
    let Some(Event { request_id, payload, trace_id }) = pool.next(sandbox).await else {
        // It is being ended, by a signal. Every answer but an event would be an error of the runtime's.
        return std::future::pending().await;
    };
    let deadline_ms = milliseconds_since_1970() + pool.timeout().as_millis();
    let name = |name| HeaderName::from_static(name);
    let headers = [
        (name("lambda-runtime-aws-request-id"), request_id.to_string()),
        (name("lambda-runtime-deadline-ms"), deadline_ms.to_string()),
        (name("lambda-runtime-invoked-function-arn"), arn(pool.name())),
        (name("lambda-runtime-trace-id"), trace_id),
        (header::CONTENT_TYPE, "application/json".to_owned()),
    ];
    (headers, payload).into_response()
}

async fn answer(
    State(endpoint): State<Endpoint>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let end = match body {
        Ok(answer) => End::Answered(answer),
        Err(rejection) => return endpoint.finish_unreadable(&id, &rejection),
    };
    endpoint.finish(&id, end)
}

async fn error(
    State(endpoint): State<Endpoint>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match body {
        Ok(error) => endpoint.finish(&id, End::Failed(error)),
        Err(rejection) => endpoint.finish_unreadable(&id, &rejection),
    }
}

async fn init_error(State(Endpoint { pool, sandbox }): State<Endpoint>, body: Bytes) -> Response {
    tell(format_args!("{} cannot be initialised: {}", pool.name(), String::from_utf8_lossy(&body)));
    pool.kill(sandbox);
    accepted()
}

#[derive(Default, Deserialize)]
struct Registration {
    #[serde(default)]
    events: Vec<String>,
}

/// An internal extension: Lambda sends SIGTERM to a sandbox that has one. The runtime registers one without events.
async fn register(State(Endpoint { pool, sandbox }): State<Endpoint>, body: Bytes) -> Response {
    let Registration { events } = serde_json::from_slice(&body).unwrap_or_default();
    if !events.is_empty() {
        let words = format!("extensions that wait for {} are not played here", events.join(", "));
        return refusal(StatusCode::FORBIDDEN, "Extension.InvalidEventType", &words);
    }
    pool.register_extension(sandbox);
    let identifier = (HeaderName::from_static("lambda-extension-identifier"), Uuid::now_v7().to_string());
    let function = serde_json::json!({
        "functionName": pool.name(), "functionVersion": "$LATEST", "handler": "bootstrap",
    });
    ([identifier], axum::Json(function)).into_response()
}

impl Endpoint {
    fn finish(&self, id: &str, end: End) -> Response {
        let is_known = Uuid::try_parse(id).is_ok_and(|id| self.pool.finish(self.sandbox, id, end));
        if is_known {
            return accepted();
        }
        refusal(StatusCode::BAD_REQUEST, "InvalidRequestID", "this sandbox has no such event")
    }

    /// The event is over all the same.
    fn finish_unreadable(&self, id: &str, rejection: &BytesRejection) -> Response {
        let kind = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "Function.ResponseSizeTooLarge",
            _ => "Runtime.UnreadableResponse",
        };
        let error = diagnostic(kind, &rejection.body_text());
        self.finish(id, End::Failed(error.clone()));
        (rejection.status(), error).into_response()
    }
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#).into_response()
}

fn refusal(status: StatusCode, kind: &str, message: &str) -> Response {
    (status, diagnostic(kind, message)).into_response()
}

fn diagnostic(kind: &str, message: &str) -> Bytes {
    serde_json::json!({ "errorType": kind, "errorMessage": message }).to_string().into()
}

/// In the account that the documentation uses.
fn arn(function: &str) -> String {
    format!("arn:aws:lambda:us-east-1:123456789012:function:{function}")
}

#[expect(clippy::disallowed_methods, reason = "the deadline that a function reads is on the clock that it reads")]
fn milliseconds_since_1970() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis()
}
