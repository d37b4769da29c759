//! Errors as the client sees them: `application/problem+json` (RFC 9457), with a fixed text and nothing of our insides.

use archive::ArchiveError;
use auction::IdError;
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use ledger::LedgerError;
use serde::Serialize;

/// Seconds until a 503 is worth repeating: Redis and the worker restart faster than that.
const RETRY_AFTER_SECONDS: &str = "1";

#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
}

#[derive(Serialize)]
struct Body<'a> {
    /// `about:blank`: the status says what kind of error it is (RFC 9457 section 4.2.1).
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
}

impl From<IdError> for Problem {
    fn from(error: IdError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl Problem {
    /// A bid that Redis did not judge, or whose verdict is not known. `has_key`: its repetition would be recognised.
    pub(crate) fn of_bid(error: &LedgerError, has_key: bool) -> Self {
        match error {
            LedgerError::Unavailable(_) | LedgerError::TimedOut | LedgerError::Unreadable(_) => {
                let advice = match has_key {
                    true => "Repeat it with the same Idempotency-Key.",
                    false => "Look at the item before you repeat it.",
                };
                let detail = "No judgement on the bid came back, and whether it counts is unknown.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, format!("{detail} {advice}"))
            }
            LedgerError::Unreachable(_) | LedgerError::NotSent | LedgerError::NotWritten(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "The bid was not judged: try again soon.")
            }
            LedgerError::NotOpen | LedgerError::Corrupt(_) => Self::of_read(error),
        }
    }

    /// Something that Redis did not tell. Nothing was changed.
    pub(crate) fn of_read(error: &LedgerError) -> Self {
        match error {
            LedgerError::NotOpen => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "Bids are not open yet. Try again soon.")
            }
            LedgerError::Unreachable(_)
            | LedgerError::NotSent
            | LedgerError::NotWritten(_)
            | LedgerError::Unavailable(_)
            | LedgerError::TimedOut => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "The item cannot be read in time. Try again soon.")
            }
            LedgerError::Corrupt(_) | LedgerError::Unreadable(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "The item's data cannot be read. Nothing was changed.")
            }
        }
    }
}

impl From<ArchiveError> for Problem {
    fn from(error: ArchiveError) -> Self {
        tracing::error!(%error, "the archive failed");
        match error {
            ArchiveError::Unavailable(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The archive of older bids cannot be reached. Try again soon.",
            ),
            ArchiveError::Corrupt(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "An older bid cannot be read."),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &self.detail,
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        response
    }
}

pub(crate) async fn no_such_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "There is nothing at this path.")
}

pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "This path does not take this method.")
}
