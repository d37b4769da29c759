//! What an answer says.

use auction::{Amount, Position};
use hyper::HeaderMap;
use serde::Deserialize;
use uuid::Uuid;

use crate::http::Answer;
use crate::record::{Outcome, Sandbox, crc};

/// What is read of a verdict.
#[derive(Deserialize)]
struct Verdict {
    event_id: Option<Uuid>,
    epoch: u64,
    seq: u64,
    current_bid: Amount,
}

/// What is read of an item.
#[derive(Deserialize)]
pub(super) struct Standing {
    pub(super) seq: u64,
    pub(super) current_bid: Amount,
}

/// Of an answer to a bid, or why there is none.
pub(super) fn outcome(answer: &anyhow::Result<Answer>) -> Outcome {
    match answer {
        Ok(answer) => read(answer).unwrap_or_else(Outcome::Unknown),
        Err(error) => Outcome::Unknown(error.root_cause().to_string()),
    }
}

fn read(answer: &Answer) -> Result<Outcome, String> {
    let status = answer.status.as_u16();
    let replayed = answer.headers.contains_key("idempotency-replayed");
    match status {
        200 | 201 => {
            let verdict: Verdict =
                serde_json::from_slice(&answer.body).map_err(|error| format!("{status}: {error}"))?;
            let position = Position { epoch: verdict.epoch, seq: verdict.seq };
            match (status, verdict.event_id) {
                (201, Some(event)) => Ok(Outcome::Accepted { event, position, replayed, body: crc(&answer.body) }),
                (200, None) => Ok(Outcome::Refused { position, price: verdict.current_bid.minor_units() }),
                _ => Err(format!("{status} does not say the same as its body")),
            }
        }
        400..500 => Ok(Outcome::Rejected(status)),
        _ => Err(format!("{status}")),
    }
}

/// Who has answered, if it says so.
pub(super) fn sandbox(headers: &HeaderMap) -> Option<Sandbox> {
    let id = headers.get("x-sandbox-id")?.to_str().ok()?.to_owned();
    let is_cold = headers.get("x-cold-start")?.as_bytes() == b"true";
    Some(Sandbox { id, is_cold })
}
