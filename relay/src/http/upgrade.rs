//! The WebSocket handshake (RFC 6455 section 4.2), until the engine takes the connection.

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
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::debug;

use super::{App, Problem, item_id};
use crate::engine::{Newcomer, Outlet, Purpose};
use crate::item::Since;
use crate::limits;
use crate::listener::Visit;
use crate::places::{Full, Place};
use crate::websocket::deflate;

pub(super) async fn watch_item(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<SinceQuery>, QueryRejection>,
    mut request: Request,
) -> Result<Response, Problem> {
    let item = item_id(path)?;
    let since = since(query)?;
    check_origin(&app, &request)?;
    let accept = accept_key(&request)?;
    let place = place(&app, &request)?;
    let handle = app.hub.watch(&item).ok_or_else(|| full(&app))?;
    Ok(upgrade(&app, &mut request, accept, Purpose::Item(handle, since), place))
}

/// Several items over one connection, which says what it wants to watch.
pub(super) async fn watch_many(State(app): State<Arc<App>>, mut request: Request) -> Result<Response, Problem> {
    check_origin(&app, &request)?;
    let accept = accept_key(&request)?;
    let place = place(&app, &request)?;
    Ok(upgrade(&app, &mut request, accept, Purpose::Many, place))
}

/// For the conformance tests: says everything back, through the same connection code.
pub(super) async fn echo(State(app): State<Arc<App>>, mut request: Request) -> Result<Response, Problem> {
    let accept = accept_key(&request)?;
    let place = place(&app, &request)?;
    Ok(upgrade(&app, &mut request, accept, Purpose::Echo, place))
}

fn upgrade(app: &App, request: &mut Request, accept: HeaderValue, purpose: Purpose, place: Place) -> Response {
    let deflates = app.compression && offers_deflate(request.headers());
    let upgrade = hyper::upgrade::on(request);
    let hub = Arc::clone(&app.hub);
    app.tasks.spawn(async move {
        if let Some((socket, first_bytes)) = upgraded(upgrade).await {
            let outlet = Outlet::Socket { socket, deflates };
            hub.engine.adopt(Newcomer { outlet, first_bytes, purpose, place });
        }
    });
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    let mut response = (StatusCode::SWITCHING_PROTOCOLS, headers, Body::empty()).into_response();
    if deflates {
        let accepted = HeaderValue::from_static(deflate::ACCEPTED);
        response.headers_mut().insert(header::SEC_WEBSOCKET_EXTENSIONS, accepted);
    }
    response
}

/// `?since=SEQ&epoch=E`
#[derive(Deserialize)]
pub(super) struct SinceQuery {
    since: Option<u64>,
    epoch: Option<u64>,
}

pub(super) fn check_origin(app: &App, request: &Request) -> Result<(), Problem> {
    match app.origins.allow_request(request.headers()) {
        true => Ok(()),
        false => Err(Problem::new(StatusCode::FORBIDDEN, "origin", "pages of this origin may not watch")),
    }
}

pub(super) fn place(app: &App, request: &Request) -> Result<Place, Problem> {
    let visit: &Arc<Visit> = request.extensions().get().ok_or_else(|| full(app))?;
    app.hub.places.take(visit.peer).map_err(|why| match why {
        Full::All => full(app),
        Full::OfAddress => {
            app.hub.metrics.connections_refused.inc();
            let detail = "the relay has as many viewers of this address as it serves";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "address-full", detail)
                .with_header(header::RETRY_AFTER, HeaderValue::from(limits::RETRY_AFTER_S))
        }
    })
}

pub(super) fn since(query: Result<Query<SinceQuery>, QueryRejection>) -> Result<Option<Since>, Problem> {
    let bad = |detail| Problem::new(StatusCode::BAD_REQUEST, "bad-since", detail);
    let Query(SinceQuery { since, epoch }) = query.map_err(|_| bad("since and epoch must be whole numbers"))?;
    Since::new(since, epoch).map_err(|_| bad("an epoch without a since means nothing"))
}

pub(super) fn full(app: &App) -> Problem {
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

/// One of the offers can be taken; clients make several, of which the first is the dearest to them.
fn offers_deflate(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS).into_iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(deflate::is_acceptable)
}

fn is_key(key: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(is_base64)
}

/// The socket and what came behind the request. All that the handshake took is given back.
async fn upgraded(upgrade: OnUpgrade) -> Option<(mio::net::TcpStream, Vec<u8>)> {
    let upgraded = timeout(limits::HANDSHAKE_DEADLINE, upgrade).await.ok()?;
    let upgraded = upgraded.inspect_err(|error| debug!(%error, "a handshake broke off")).ok()?;
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().ok()?;
    let socket = parts.io.into_inner().into_std().inspect_err(|error| debug!(%error, "a socket is lost")).ok()?;
    Some((mio::net::TcpStream::from_std(socket), parts.read_buf.to_vec()))
}
