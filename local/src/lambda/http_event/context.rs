//! `requestContext`: where the request came from, when, and what it met.

use std::net::IpAddr;

use http::header;
use serde::ser::{Error, Serialize, Serializer};
use serde_json::Value;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use super::{HttpRequest, headers};

const ACCOUNT_ID: &str = "123456789012";
const API_ID: &str = "local";
const STAGE: &str = "$default";
const TIME: StaticFormatDescription =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestContext<'a> {
    account_id: &'static str,
    api_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<&'a Value>,
    domain_name: &'a str,
    domain_prefix: &'a str,
    http: Http<'a>,
    request_id: &'a str,
    route_key: &'a str,
    stage: &'static str,
    time: ClockTime,
    time_epoch: i64,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: &'a str,
    protocol: Protocol,
    source_ip: IpAddr,
    user_agent: &'a str,
}

impl<'a> RequestContext<'a> {
    pub(super) fn of(request: &'a HttpRequest<'a>) -> Self {
        let text = |name| request.parts.headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST).unwrap_or("localhost");
        let (domain_name, _port) = headers::split_port(host);
        Self {
            account_id: ACCOUNT_ID,
            api_id: API_ID,
            authorizer: request.authorizer,
            domain_name,
            domain_prefix: domain_name.split('.').next().unwrap_or_default(),
            http: Http {
                method: request.parts.method.as_str(),
                path: request.path,
                protocol: Protocol(request.parts.version),
                source_ip: request.peer.ip(),
                user_agent: text(header::USER_AGENT).unwrap_or_default(),
            },
            request_id: request.request_id,
            route_key: request.found.route_key,
            stage: STAGE,
            time: ClockTime(request.time),
            time_epoch: (request.time.unix_timestamp_nanos() / 1_000_000) as i64,
        }
    }
}

/// `HTTP/1.1`
struct Protocol(http::Version);

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:?}", self.0))
    }
}

/// `25/Nov/2026:15:06:34 +0000`
struct ClockTime(OffsetDateTime);

impl Serialize for ClockTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.to_offset(UtcOffset::UTC).format(TIME).map_err(Error::custom)?;
        serializer.serialize_str(&text)
    }
}
