//! A bid, and the body of the request that asks for one.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Amount, AmountError, IdError, IdempotencyKey, ItemId, UserId};

/// What a user offers for an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bid {
    pub item: ItemId,
    pub user: UserId,
    pub amount: Amount,
    /// With it, a repetition of the bid gets the first answer.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// The body of `POST /api/v1/items/{id}/bid`: `{"user_id": "alice", "amount": 100.01}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BidRequest {
    pub user: UserId,
    pub amount: Amount,
}

/// Why a body is no bid. The texts are for the client.
#[derive(Debug, thiserror::Error)]
pub enum BidRequestError {
    #[error("the body is not a bid: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the body is not a bid: expected a JSON object")]
    NotAnObject,
    #[error("user_id: {0}")]
    User(#[from] IdError),
    #[error("amount: {0}")]
    Amount(#[from] AmountError),
    #[error("max_amount: automatic bidding is not offered")]
    MaxAmount,
}

/// The amount stays text until [`Amount::parse`]: a JSON reader would make a double of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    user_id: String,
    #[serde(borrow)]
    amount: &'a RawValue,
    #[serde(borrow)]
    max_amount: Option<&'a RawValue>,
}

impl BidRequest {
    pub fn parse(body: &[u8]) -> Result<Self, BidRequestError> {
        // Serde would read a struct from an array too, by the order of its fields.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(BidRequestError::NotAnObject);
        }
        let body: Body<'_> = serde_json::from_slice(body)?;
        if body.max_amount.is_some() {
            return Err(BidRequestError::MaxAmount);
        }
        Ok(Self { user: UserId::parse(&body.user_id)?, amount: Amount::parse(body.amount.get())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bid_is_a_user_and_an_amount() {
        let request = BidRequest::parse(br#" {"amount": 100.01, "user_id": "alice"} "#).unwrap();
        assert_eq!(request.user.as_str(), "alice");
        assert_eq!(request.amount.minor_units(), 10_001);
    }

    #[test]
    fn every_other_body_is_refused_and_says_why() {
        let cases: &[(&str, &str)] = &[
            ("", "the body is not a bid: expected a JSON object"),
            ("not json", "the body is not a bid: expected a JSON object"),
            ("[]", "the body is not a bid: expected a JSON object"),
            (r#"["a",5,null]"#, "the body is not a bid: expected a JSON object"),
            ("null", "the body is not a bid: expected a JSON object"),
            ("{", "the body is not a bid: EOF"),
            (r#"{"user_id":"a"}"#, "the body is not a bid: missing field `amount`"),
            (r#"{"amount":1}"#, "the body is not a bid: missing field `user_id`"),
            (r#"{"user_id":"a","amount":1,"x":1}"#, "the body is not a bid: unknown field `x`"),
            (r#"{"user_id":"a","amount":1,"amount":2}"#, "the body is not a bid: duplicate field `amount`"),
            (r#"{"user_id":"a","amount":1}{}"#, "the body is not a bid: trailing characters"),
            (r#"{"user_id":7,"amount":1}"#, "the body is not a bid: invalid type"),
            (r#"{"user_id":"","amount":1}"#, "user_id: a user id is"),
            (r#"{"user_id":"a b","amount":1}"#, "user_id: a user id is"),
            (r#"{"user_id":"a","amount":"100"}"#, "amount: not a number"),
            (r#"{"user_id":"a","amount":null}"#, "amount: not a number"),
            (r#"{"user_id":"a","amount":[1]}"#, "amount: not a number"),
            (r#"{"user_id":"a","amount":NaN}"#, "the body is not a bid: expected value"),
            (r#"{"user_id":"a","amount":1e400}"#, "amount: must be at most"),
            (r#"{"user_id":"a","amount":0}"#, "amount: must be greater than zero"),
            (r#"{"user_id":"a","amount":100.001}"#, "amount: must have at most two decimals"),
            (r#"{"user_id":"a","amount":1,"max_amount":5}"#, "max_amount: automatic bidding"),
        ];
        for (body, expected) in cases {
            let error = BidRequest::parse(body.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{body}: {error}");
        }
        assert!(BidRequest::parse(b"{\"user_id\":\"\xff\",\"amount\":1}").is_err());
        assert!(BidRequest::parse(b"\xef\xbb\xbf{\"user_id\":\"a\",\"amount\":1}").is_err());
    }
}
