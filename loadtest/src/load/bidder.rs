//! One arrival: what it sends, and again if nobody answers.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request as HttpRequest, Uri};
use tokio::sync::mpsc;

use super::answer::{self, Standing};
use super::hostile::{self, Hostile, JSON};
use super::items::Items;
use super::market::{Accepted, Market};
use super::{Arrival, Intent};
use crate::clock::Clock;
use crate::http::{Answer, Pool};
use crate::record::{Expected, Known, Look, Outcome, Request, Sent};

const RETRY_DELAY: Duration = Duration::from_millis(100);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(2);

pub(super) struct Bidder {
    pub(super) pool: Pool,
    host: HeaderValue,
    /// Where bids go, by item.
    places: Vec<Uri>,
    pub(super) clock: Clock,
    pub(super) items: Items,
    pub(super) market: Arc<Market>,
    /// After so many a bidder gives up.
    pub(super) tries: u32,
    pub(super) sent: mpsc::Sender<Sent>,
}

impl Bidder {
    pub(super) fn new(
        pool: Pool,
        clock: Clock,
        items: Items,
        market: Arc<Market>,
        tries: u32,
        sent: mpsc::Sender<Sent>,
    ) -> Self {
        // The names of items and of servers have no special characters.
        let host = HeaderValue::from_str(pool.authority()).unwrap_or(HeaderValue::from_static("localhost"));
        let place = |item| format!("/api/v1/items/{}/bid", items.name(item)).parse().unwrap_or_default();
        let places = (0..items.count).map(place).collect();
        Self { pool, host, places, clock, items, market, tries, sent }
    }
}

/// A bid to be sent, or what is none.
struct Bid<'a> {
    arrival: &'a Arrival,
    user: String,
    amount: u64,
    key: Option<String>,
    expected: Expected,
    known: Known,
}

impl Bidder {
    pub(super) async fn arrive(&self, arrival: Arrival) {
        let Arrival { number, item, user, dice, .. } = arrival;
        let known = self.market.known(item);
        let price = known.price;
        let amount = match arrival.intent {
            Intent::TooLow => 1 + dice % price.max(1),
            _ => price + 1 + dice % 100,
        };
        let bid = |amount, key| {
            let user = format!("user{user}");
            Bid { arrival: &arrival, user, amount, key, expected: Expected::Judgement, known }
        };
        let own_key = || Some(format!("key{number}"));
        let again = |remembered: Accepted, amount, expected| {
            let Accepted { user, key, .. } = remembered;
            Bid { arrival: &arrival, user, amount, key: Some(key), expected, known }
        };
        match arrival.intent {
            Intent::Hostile => self.send_hostile(&arrival, known).await,
            Intent::Read => self.look(&arrival).await,
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
        for attempt in 1..=self.tries {
            let outcome = self.send(bid, attempt).await;
            match outcome {
                Outcome::Unknown(_) if bid.key.is_some() => {
                    tokio::time::sleep(delay).await;
                    delay = (delay * 2).min(RETRY_DELAY_MAX);
                }
                Outcome::Accepted { position, .. } => return self.remember(bid, position.seq),
                Outcome::Refused { price, position } => {
                    return self.market.learn(bid.arrival.item, price, position.seq);
                }
                Outcome::Rejected(_) | Outcome::Unknown(_) => return,
            }
        }
    }

    fn remember(&self, bid: &Bid<'_>, seq: u64) {
        self.market.learn(bid.arrival.item, bid.amount, seq);
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

    async fn send_hostile(&self, arrival: &Arrival, known: Known) {
        let Hostile { body, content_type, status } = hostile::hostile(arrival.dice);
        let (user, expected) = ("mallory".to_owned(), Expected::Status(status));
        self.post(&Bid { arrival, user, amount: 0, key: None, expected, known }, 1, content_type, body).await;
    }

    /// Sends it once, and writes down what came of it.
    async fn post(&self, bid: &Bid<'_>, attempt: u32, content_type: &'static str, body: String) -> Outcome {
        let item = self.items.name(bid.arrival.item);
        let mut request = HttpRequest::new(Full::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.places[bid.arrival.item as usize].clone();
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.host.clone());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(key) = bid.key.as_ref().and_then(|key| HeaderValue::from_str(key).ok()) {
            headers.insert("idempotency-key", key);
        }
        let sent = self.clock.now();
        let answer = self.pool.send(request).await;
        let outcome = answer::outcome(&answer);
        let line = Request {
            due: if attempt == 1 { bid.arrival.due } else { sent },
            sent,
            answered: self.clock.now(),
            item,
            user: bid.user.clone(),
            key: bid.key.clone(),
            amount: bid.amount,
            expected: bid.expected,
            known: Some(bid.known),
            sandbox: answer.ok().and_then(|answer| answer::sandbox(&answer.headers)),
            outcome: outcome.clone(),
        };
        let _ = self.sent.send(Sent::Bid(line)).await;
        outcome
    }

    async fn look(&self, arrival: &Arrival) {
        let sent = self.clock.now();
        let is_answered = self.standing(arrival.item).await.is_ok();
        let look = Look { due: arrival.due, sent, answered: self.clock.now(), is_answered };
        let _ = self.sent.send(Sent::Look(look)).await;
    }

    /// Asks where an item stands.
    pub(super) async fn standing(&self, item: u32) -> Result<()> {
        let request = HttpRequest::builder()
            .uri(format!("/api/v1/items/{}", self.items.name(item)))
            .header("host", self.pool.authority())
            .body(Full::<Bytes>::default())?;
        let Answer { status, body, .. } = self.pool.send(request).await?;
        ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
        let Standing { seq, current_bid } = serde_json::from_slice(&body)?;
        self.market.learn(item, current_bid.minor_units(), seq);
        Ok(())
    }
}
