//! A body is text in the event, or in base64.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, HeaderMap};
use serde::{Serialize, Serializer};

pub(super) enum Body<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

impl<'a> Body<'a> {
    pub(super) fn of(headers: &HeaderMap, body: &'a [u8]) -> Option<Self> {
        if body.is_empty() {
            return None;
        }
        let text = if is_text(headers) { std::str::from_utf8(body).ok() } else { None };
        Some(text.map_or(Self::Binary(body), Self::Text))
    }
}

/// As observed on AWS, which documents no list: forms, `…+json` and what has no type are binary.
fn is_text(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let is = |name: &str| media_type.eq_ignore_ascii_case(name);
    let starts_with_text = media_type.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("text/"));
    starts_with_text || is("application/json") || is("application/javascript") || is("application/xml")
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Binary(bytes) => serializer.collect_str(&Base64Display::new(bytes, &STANDARD)),
        }
    }
}
