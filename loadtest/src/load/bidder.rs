//! One arrival: what it sends, and again if nobody answers.

use std::sync::Arc;
use std::time::Duration;

use auction::{Amount, Position};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::hostile::{self, Hostile, JSON};
use super::market::{Accepted, Market};
use super::{Arrival, Intent, item};
use crate::clock::Clock;
use crate::record::{Expected, Outcome, Request, crc};

/// After so many tries a bidder gives up: in all about ten seconds.
const TRIES: u32 = 10;
const RETRY_DELAY: Duration = Duration::from_millis(100);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(2);

pub(super) struct Bidder {
    pub(super) client: Client,
    pub(super) api_url: String,
    pub(super) clock: Clock,
    pub(super) market: Arc<Market>,
    pub(super) requests: mpsc::Sender<Request>,
}

/// A bid to be sent, or what is none.
struct Bid<'a> {
    arrival: &'a Arrival,
    user: String,
    amount: u64,
    key: Option<String>,
    expected: Expected,
}

impl Bidder {
    pub(super) async fn arrive(&self, arrival: Arrival) {
        let Arrival { number, item, user, dice, .. } = arrival;
        let price = self.market.price(item);
        let amount = match arrival.intent {
            Intent::TooLow => 1 + dice % price.max(1),
            _ => price + 1 + dice % 100,
        };
        let bid = |amount, key| {
            let user = format!("user{user}");
            Bid { arrival: &arrival, user, amount, key, expected: Expected::Judgement }
        };
        let own_key = || Some(format!("key{number}"));
        let again = |remembered: Accepted, amount, expected| {
            let Accepted { user, key, .. } = remembered;
            Bid { arrival: &arrival, user, amount, key: Some(key), expected }
        };
        match arrival.intent {
            Intent::Hostile => self.send_hostile(&arrival).await,
            Intent::Bid { keyed } => self.insist(&bid(amount, own_key().filter(|_| keyed))).await,
            Intent::TooLow => self.insist(&bid(amount, own_key())).await,
            Intent::Twice => {
                let bid = bid(amount, own_key());
                tokio::join!(self.insist(&bid), self.insist(&bid));
            }
            Intent::Repeat | Intent::OtherAmount => {
                let Some(remembered) = self.market.some_accepted(item, dice) else {
                    return self.insist(&bid(amount, own_key())).await;
                };
                let (amount, expected) = match arrival.intent {
                    Intent::Repeat => (remembered.amount, Expected::Judgement),
                    _ => (remembered.amount + 1, Expected::Status(422)),
                };
                self.insist(&again(remembered, amount, expected)).await;
            }
        }
    }

    /// Sends a bid until it is answered. Without a key only once: it might be accepted twice.
    async fn insist(&self, bid: &Bid<'_>) {
        let mut delay = RETRY_DELAY;
        for attempt in 1..=TRIES {
            let outcome = self.send(bid, attempt).await;
            match outcome {
                Outcome::Unknown(_) if bid.key.is_some() => {
                    tokio::time::sleep(delay).await;
                    delay = (delay * 2).min(RETRY_DELAY_MAX);
                }
                Outcome::Accepted { .. } => return self.remember(bid),
                Outcome::Refused { price, .. } => return self.market.learn(bid.arrival.item, price),
                Outcome::Rejected(_) | Outcome::Unknown(_) => return,
            }
        }
    }

    fn remember(&self, bid: &Bid<'_>) {
        self.market.learn(bid.arrival.item, bid.amount);
        if let Some(key) = &bid.key {
            let accepted = Accepted { user: bid.user.clone(), key: key.clone(), amount: bid.amount };
            self.market.remember(bid.arrival.item, accepted, bid.arrival.dice);
        }
    }

    async fn send(&self, bid: &Bid<'_>, attempt: u32) -> Outcome {
        let (units, cents) = (bid.amount / 100, bid.amount % 100);
        let body = format!(r#"{{"user_id":"{}","amount":{units}.{cents:02}}}"#, bid.user);
        self.post(bid, attempt, JSON, body).await
    }

    async fn send_hostile(&self, arrival: &Arrival) {
        let Hostile { body, content_type, status } = hostile::hostile(arrival.dice);
        let (user, expected) = ("mallory".to_owned(), Expected::Status(status));
        self.post(&Bid { arrival, user, amount: 0, key: None, expected }, 1, content_type, body).await;
    }

    /// Sends it once, and writes down what came of it.
    async fn post(&self, bid: &Bid<'_>, attempt: u32, content_type: &str, body: String) -> Outcome {
        let item = item(bid.arrival.item);
        let url = format!("{}/api/v1/items/{item}/bid", self.api_url);
        let mut request = self.client.post(url).header(CONTENT_TYPE, content_type).body(body);
        if let Some(key) = &bid.key {
            request = request.header("Idempotency-Key", key);
        }
        let sent = self.clock.now();
        let outcome = outcome(request).await;
        let line = Request {
            due: if attempt == 1 { bid.arrival.due } else { sent },
            sent,
            answered: self.clock.now(),
            item,
            user: bid.user.clone(),
            key: bid.key.clone(),
            amount: bid.amount,
            expected: bid.expected,
            outcome: outcome.clone(),
        };
        let _ = self.requests.send(line).await;
        outcome
    }
}

/// What is read of an answer.
#[derive(Deserialize)]
struct Answer {
    event_id: Option<Uuid>,
    epoch: u64,
    seq: u64,
    current_bid: Amount,
}

async fn outcome(request: RequestBuilder) -> Outcome {
    match request.send().await {
        Ok(response) => read(response).await.unwrap_or_else(Outcome::Unknown),
        Err(error) => Outcome::Unknown(words(&error)),
    }
}

async fn read(response: Response) -> Result<Outcome, String> {
    let status = response.status().as_u16();
    let replayed = response.headers().contains_key("idempotency-replayed");
    match status {
        200 | 201 => {
            let body = response.bytes().await.map_err(|error| words(&error))?;
            let answer: Answer = serde_json::from_slice(&body).map_err(|error| format!("{status}: {error}"))?;
            let position = Position { epoch: answer.epoch, seq: answer.seq };
            match (status, answer.event_id) {
                (201, Some(event)) => Ok(Outcome::Accepted { event, position, replayed, body: crc(&body) }),
                (200, None) => Ok(Outcome::Refused { position, price: answer.current_bid.minor_units() }),
                _ => Err(format!("{status} does not say the same as its body")),
            }
        }
        400..500 => Ok(Outcome::Rejected(status)),
        _ => Err(format!("{status}")),
    }
}

/// The cause, which reqwest does not tell by itself.
fn words(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
