//! `headers` and `cookies` of the event.

use std::fmt;
use std::net::SocketAddr;

use http::header::{self, GetAll, HeaderMap, HeaderName, HeaderValue};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{HttpRequest, TRACE_ID};
use crate::lambda::hop_by_hop::{is_hop_by_hop, is_named_by_connection};

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The request's headers, without those of its connection and with those the gateway adds.
pub(super) struct Headers<'a> {
    headers: &'a HeaderMap,
    peer: SocketAddr,
    trace_id: &'a str,
    body_length: usize,
}

impl<'a> Headers<'a> {
    pub(super) fn of(request: &'a HttpRequest<'a>) -> Self {
        let HttpRequest { parts, peer, trace_id, body, .. } = *request;
        Self { headers: &parts.headers, peer, trace_id, body_length: body.len() }
    }

    fn is_passed_on(&self, name: &HeaderName) -> bool {
        // Cookies have a field of their own; the rest is set by the gateway whatever was sent.
        let is_replaced = matches!(
            name.as_str(),
            "cookie" | "content-length" | "x-forwarded-for" | "x-forwarded-port" | "x-forwarded-proto"
        );
        !is_replaced && !is_hop_by_hop(name) && !is_named_by_connection(name, self.headers)
    }
}

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for name in self.headers.keys().filter(|name| self.is_passed_on(name)) {
            map.serialize_entry(name.as_str(), &Displayed(Values(self.headers.get_all(name))))?;
        }
        map.serialize_entry("content-length", &Displayed(self.body_length))?;
        if !self.headers.contains_key(TRACE_ID) {
            map.serialize_entry(TRACE_ID.as_str(), self.trace_id)?;
        }
        let before = Values(self.headers.get_all(FORWARDED_FOR));
        let comma = if self.headers.contains_key(FORWARDED_FOR) { ", " } else { "" };
        let peer = self.peer.ip();
        map.serialize_entry(FORWARDED_FOR, &Displayed(format_args!("{before}{comma}{peer}")))?;
        let host = self.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        map.serialize_entry("x-forwarded-port", split_port(host).1.unwrap_or("80"))?;
        map.serialize_entry("x-forwarded-proto", "http")?;
        map.end()
    }
}

/// `cookies`: each `name=value` of each `Cookie` header.
pub(super) struct Cookies<'a>(pub(super) &'a HeaderMap);

impl Cookies<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let headers =
            self.0.get_all(header::COOKIE).iter().filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
        headers.flat_map(|value| value.split(';')).map(str::trim).filter(|cookie| !cookie.is_empty())
    }
}

impl Serialize for Cookies<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// The values of one header, joined by commas. Bytes that are no UTF-8 cannot stand in JSON.
struct Values<'a>(GetAll<'a, HeaderValue>);

impl fmt::Display for Values<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_joined(formatter, self.0.iter().map(|value| String::from_utf8_lossy(value.as_bytes())))
    }
}

/// Goes into the JSON as it is written, without a string in between.
pub(super) struct Displayed<T>(pub(super) T);

impl<T: fmt::Display> Serialize for Displayed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

pub(super) fn write_joined(formatter: &mut fmt::Formatter<'_>, values: impl Iterator<Item: AsRef<str>>) -> fmt::Result {
    for (place, value) in values.enumerate() {
        formatter.write_str(if place == 0 { "" } else { "," })?;
        formatter.write_str(value.as_ref())?;
    }
    Ok(())
}

/// `127.0.0.1:8080` or `[::1]:8080`: the name and the port.
pub(super) fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => (name, Some(port)),
        _ => (host, None),
    }
}
