//! The event an API Gateway HTTP API makes of a request: payload format 2.0.
//!
//! It is written straight from the request, since every request of a load test passes here.

mod body;
mod context;
mod headers;
mod query;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::HeaderName;
use http::request::Parts;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use self::body::Body;
use self::context::RequestContext;
use self::headers::{Cookies, Headers};
use self::query::Query;
use super::router::{Found, PathParameters};

const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// A request with what the gateway knows of it.
pub(crate) struct HttpRequest<'a> {
    pub(crate) parts: &'a Parts,
    /// By `router::decoded_path`.
    pub(crate) path: &'a str,
    pub(crate) body: &'a [u8],
    pub(crate) found: &'a Found<'a, 'a>,
    pub(crate) peer: SocketAddr,
    pub(crate) request_id: &'a str,
    /// For a request that brings none: by `trace_id`.
    pub(crate) trace_id: &'a str,
    pub(crate) time: OffsetDateTime,
    /// What an authorizer found: `{"jwt": {"claims": …, "scopes": …}}`.
    pub(crate) authorizer: Option<&'a Value>,
}

impl HttpRequest<'_> {
    pub(crate) fn to_event(&self) -> serde_json::Result<Bytes> {
        let mut event = Vec::with_capacity(1536 + self.body.len() * 3 / 2);
        serde_json::to_writer(&mut event, &Event::new(self))?;
        Ok(event.into())
    }
}

/// `Root=1-<seconds>-<24 hexadecimal digits>`, of which `entropy` gives the last.
pub(crate) fn trace_id(time: OffsetDateTime, entropy: u128) -> String {
    format!("Root=1-{:08x}-{:024x}", time.unix_timestamp(), entropy >> 32)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    version: &'static str,
    route_key: &'a str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Cookies::is_empty")]
    cookies: Cookies<'a>,
    headers: Headers<'a>,
    #[serde(skip_serializing_if = "Query::is_empty")]
    query_string_parameters: Query<'a>,
    request_context: RequestContext<'a>,
    #[serde(skip_serializing_if = "PathParameters::is_empty")]
    path_parameters: &'a PathParameters<'a, 'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Body<'a>>,
    is_base64_encoded: bool,
}

impl<'a> Event<'a> {
    fn new(request: &'a HttpRequest<'a>) -> Self {
        let HttpRequest { parts, found, .. } = *request;
        let query = parts.uri.query().unwrap_or_default();
        let body = Body::of(&parts.headers, request.body);
        Self {
            version: "2.0",
            route_key: found.route_key,
            raw_path: request.path,
            raw_query_string: query,
            cookies: Cookies(&parts.headers),
            headers: Headers::of(request),
            query_string_parameters: Query::of(query),
            request_context: RequestContext::of(request),
            path_parameters: &found.path_parameters,
            is_base64_encoded: matches!(body, Some(Body::Binary(_))),
            body,
        }
    }
}
