//! The WebSocket handshake (RFC 6455 section 4.2), up to the task of a viewer.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{
        Path, Query, Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, Version, header},
    response::{IntoResponse, Response},
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};
use tracing::debug;

use super::{App, Problem, item_id};
use crate::item::Since;
use crate::limits;
use crate::viewer::{Connection, Metered};

pub(super) async fn watch_item(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<SinceQuery>, QueryRejection>,
    mut request: Request,
) -> Result<Response, Problem> {
    let item = item_id(path)?;
    let since = since(query)?;
    if !app.origins.allow_request(request.headers()) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "origin", "pages of this origin may not watch"));
    }
    let accept = accept_key(&request)?;
    let permit = Arc::clone(&app.viewers).try_acquire_owned().map_err(|_| full(&app))?;
    let handle = app.hub.watch(&item).ok_or_else(|| full(&app))?;
    let upgrade = hyper::upgrade::on(&mut request);
    let metrics = Arc::clone(&app.hub.metrics);
    app.tasks.spawn(async move {
        if let Some(socket) = Box::pin(upgraded(upgrade)).await {
            metrics.viewers_connected.inc();
            Connection::join(socket, handle, since, metrics).await;
        }
        drop(permit);
    });
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers, Body::empty()).into_response())
}

/// `?since=SEQ&epoch=E`
#[derive(Deserialize)]
pub(super) struct SinceQuery {
    since: Option<u64>,
    epoch: Option<u64>,
}

fn since(query: Result<Query<SinceQuery>, QueryRejection>) -> Result<Option<Since>, Problem> {
    let bad = |detail| Problem::new(StatusCode::BAD_REQUEST, "bad-since", detail);
    let Query(SinceQuery { since, epoch }) = query.map_err(|_| bad("since and epoch must be whole numbers"))?;
    match (since, epoch) {
        (Some(seq), epoch) => Ok(Some(Since { seq, epoch })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(bad("an epoch without a since means nothing")),
    }
}

fn full(app: &App) -> Problem {
    app.hub.metrics.connections_refused.inc();
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "full", "the relay has as many viewers as it can serve")
        .with_header(header::RETRY_AFTER, HeaderValue::from(limits::RETRY_AFTER_S))
}

/// The answer to the client's key, if this is a handshake that we understand.
fn accept_key(request: &Request) -> Result<HeaderValue, Problem> {
    let headers = request.headers();
    let lists = |name, token| lists_token(headers, name, token);
    if request.version() < Version::HTTP_11 || !lists(header::UPGRADE, "websocket") {
        let problem = Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade-required", "this is a WebSocket");
        return Err(problem.with_header(header::UPGRADE, HeaderValue::from_static("websocket")));
    }
    if !lists(header::SEC_WEBSOCKET_VERSION, "13") {
        let problem = Problem::new(StatusCode::UPGRADE_REQUIRED, "websocket-version", "only version 13 is spoken");
        return Err(problem.with_header(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")));
    }
    let bad = |detail| Problem::new(StatusCode::BAD_REQUEST, "websocket-handshake", detail);
    if !lists(header::CONNECTION, "upgrade") {
        return Err(bad("the Connection header does not say Upgrade"));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes()));
    let key = key.ok_or_else(|| bad("the Sec-WebSocket-Key is not 16 bytes in base64"))?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| bad("the key has no answer"))
}

fn lists_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|listed| listed.trim().eq_ignore_ascii_case(token))
}

fn is_key(key: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(is_base64)
}

async fn upgraded(upgrade: OnUpgrade) -> Option<WebSocketStream<Metered>> {
    let upgraded = timeout(limits::HANDSHAKE_DEADLINE, upgrade).await.ok()?;
    let upgraded = upgraded.inspect_err(|error| debug!(%error, "a handshake broke off")).ok()?;
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().ok()?;
    let config = WebSocketConfig::default()
        .read_buffer_size(limits::READ_BUFFER_BYTES)
        .write_buffer_size(limits::WRITE_BUFFER_BYTES)
        .max_write_buffer_size(limits::WRITE_BUFFER_BYTES_MAX)
        .max_message_size(Some(limits::MESSAGE_BYTES_MAX))
        .max_frame_size(Some(limits::MESSAGE_BYTES_MAX));
    let (stream, first_bytes) = (Metered::new(parts.io.into_inner()), parts.read_buf.to_vec());
    Some(WebSocketStream::from_partially_read(stream, first_bytes, Role::Server, Some(config)).await)
}
