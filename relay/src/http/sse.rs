//! Server-Sent Events, for clients that cannot hold a WebSocket: the same frames, one way.

use std::convert::Infallible;
use std::sync::Arc;

use axum::{
    body::Body,
    extract::{
        Path, Query, Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;

use super::upgrade::{SinceQuery, check_origin, full, place, since};
use super::{App, Problem, item_id};
use crate::engine::{self, Listener, Newcomer, Outlet, Purpose, Streamed};
use crate::frame::Frame;
use crate::item::Since;
use crate::listener::Visit;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(super) async fn watch_item(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<SinceQuery>, QueryRejection>,
    request: Request,
) -> Result<Response, Problem> {
    if request.method() != Method::GET {
        let detail = "a stream has no head without a body";
        return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail));
    }
    let item = item_id(path)?;
    // The header is the later one: a browser repeats the address that it was given at first.
    let since = match last_event_id(request.headers())? {
        Some(last) => Some(last),
        None => since(query)?,
    };
    check_origin(&app, &request)?;
    let place = place(&app, &request)?;
    let item = app.hub.watch(&item).ok_or_else(|| full(&app))?;
    let visit: &Arc<Visit> = request.extensions().get().ok_or_else(|| full(&app))?;
    let (stream, listener) = engine::stream(visit.becomes_stream());
    let purpose = Purpose::Item(item, since);
    app.hub.engine.adopt(Newcomer { outlet: Outlet::Stream(stream), first_bytes: Vec::new(), purpose, place });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONNECTION, "close"),
        // Else nginx keeps frames back until it has many.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((StatusCode::OK, headers, Body::from_stream(lines(listener))).into_response())
}

/// `EPOCH:SEQ`, as the frames have it.
fn last_event_id(headers: &HeaderMap) -> Result<Option<Since>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let position = || {
        let (epoch, seq) = value.to_str().ok()?.split_once(':')?;
        Some(Since { seq: seq.parse().ok()?, epoch: Some(epoch.parse().ok()?) })
    };
    let bad = || Problem::new(StatusCode::BAD_REQUEST, "bad-since", "Last-Event-ID must be EPOCH:SEQ");
    position().ok_or_else(bad).map(Some)
}

fn lines(listener: Listener) -> impl stream::Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(Some(listener), async |listener| {
        let mut listener = listener?;
        match listener.next().await? {
            Streamed::Frame(frame) => Some((Ok(event(&frame)), Some(listener))),
            Streamed::Ping => Some((Ok(Bytes::from_static(b": still here\n\n")), Some(listener))),
            Streamed::Close(why, retry_after_ms) => {
                let close = why.frame(retry_after_ms);
                let (code, reason) = (u16::from(close.code), close.reason.as_str());
                let data = serde_json::json!({"type": "closed", "code": code, "reason": reason});
                Some((Ok(format!("retry: {retry_after_ms}\nevent: closed\ndata: {data}\n\n").into()), None))
            }
        }
    })
}

fn event(frame: &Frame) -> Bytes {
    let position = frame.position();
    let id = format!("id: {}:{}\ndata: ", position.epoch, position.seq);
    [id.as_bytes(), &frame.payload(), b"\n\n"].concat().into()
}
