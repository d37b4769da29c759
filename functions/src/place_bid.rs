//! `POST /api/v1/items/{id}/bid`: one bid, judged by the script.

use std::time::Duration;

use auction::{Amount, Bid, BidRequest, Happening, IdempotencyKey, ItemId, ItemState, Refusal, Timestamp, Verdict};
use axum::{
    Json,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use ledger::{Judged, LedgerError, NewIds, Placed};
use serde::Serialize;
use uuid::Uuid;

use crate::{App, items::item_id, problem::Problem};

/// A bid is some 60 bytes; the rest leaves room for long ids and for spaces.
const BODY_BYTES_MAX: usize = 4 * 1024;
/// A client that sends its body slower than this holds a connection for nothing.
const BODY_DEADLINE: Duration = Duration::from_secs(5);

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// On the answer to a bid that was accepted before, under the same key.
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

pub(crate) async fn place_bid(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let item = item_id(path)?;
    require_json(&headers)?;
    let request = BidRequest::parse(&read(body).await?).map_err(|error| Problem::bad_request(error.to_string()))?;
    let bid = Bid { item, user: request.user, amount: request.amount, idempotency_key: idempotency_key(&headers)? };

    // On a task of its own: a bidder who hangs up must not stop an accepted bid on its way to the viewers.
    let judged = app.bids.spawn(judge(app.clone(), bid.clone())).await;
    let judged = judged.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The bid was not answered."))?;
    answer(&bid, &judged.map_err(|error| Problem::of_bid(&error, bid.idempotency_key.is_some()))?)
}

/// Judges a bid and tells what came of it.
async fn judge(app: App, bid: Bid) -> Result<Judged, LedgerError> {
    app.renew_contact().await;
    let judged = app.noted(app.coalescer.place_bid(bid, NewIds::random()).await)?;
    // What was accepted before was told before, or waits in the outbox.
    if !judged.is_repetition {
        app.announce(&judged.events).await;
    }
    Ok(judged)
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must be application/json."))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::bad_request("There is more than one Idempotency-Key."));
    }
    // What is no text is no key either.
    Ok(Some(IdempotencyKey::parse(value.to_str().unwrap_or_default())?))
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    let collected = tokio::time::timeout(BODY_DEADLINE, Limited::new(body, BODY_BYTES_MAX).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 4 KiB."))
        }
        Ok(Err(_)) => Err(Problem::bad_request("The body could not be read.")),
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time.")),
    }
}

/// 201 for an accepted bid, 200 for one that was judged and refused.
#[derive(Serialize)]
struct Answer<'a> {
    success: bool,
    #[serde(flatten)]
    accepted: Option<AcceptedFields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    message: String,
    epoch: u64,
    seq: u64,
    current_bid: Amount,
    your_bid: Amount,
    is_highest: bool,
    minimum_bid: Amount,
}

#[derive(Serialize)]
struct AcceptedFields {
    event_id: Uuid,
    bid_id: Uuid,
    timestamp: Timestamp,
}

fn answer(bid: &Bid, judged: &Judged) -> Result<Response, Problem> {
    let (status, accepted, reason, message) = match (judged.verdict, &judged.events[..]) {
        (Verdict::Accepted { .. }, [placed, ..]) => {
            (StatusCode::CREATED, Some(accepted_fields(placed)), None, "Bid accepted.".to_owned())
        }
        (Verdict::Refused(refusal), _) => {
            (StatusCode::OK, None, Some(refusal.as_str()), refusal_message(refusal, &judged.item))
        }
        (Verdict::UnknownItem, _) => return Err(unknown_item(&bid.item)),
        (Verdict::KeyReused, _) => {
            let detail = "This Idempotency-Key belongs to an accepted bid of another amount on this item.";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
        (Verdict::Accepted { .. }, []) => {
            return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The bid was accepted without an event."));
        }
    };
    let answer = Answer {
        success: accepted.is_some(),
        is_highest: accepted.is_some(),
        accepted,
        reason,
        message,
        epoch: judged.item.position.epoch,
        seq: judged.item.position.seq,
        current_bid: judged.item.current_bid(),
        your_bid: bid.amount,
        minimum_bid: judged.item.minimum_bid(),
    };
    let mut response = (status, Json(answer)).into_response();
    if judged.is_repetition {
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn accepted_fields(placed: &Placed) -> AcceptedFields {
    let Happening::Bid(bid) = &placed.event.happening;
    AcceptedFields { event_id: placed.event.event_id, bid_id: bid.bid_id, timestamp: placed.event.timestamp }
}

fn refusal_message(refusal: Refusal, item: &ItemState) -> String {
    match refusal {
        Refusal::TooLow => {
            format!("Bid too low: the current bid is {}; bid at least {}.", item.current_bid(), item.minimum_bid())
        }
    }
}

pub(crate) fn unknown_item(item: &ItemId) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("There is no item {item}."))
}
