//! Ways to an answer.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use auction::{Amount, Bid, Verdict};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, StatusCode};
use ledger::{Coalescer, Judged, Ledger, NewIds};
use serde::Deserialize;

use crate::http::{Connection, Target};

/// How an answer is come by.
#[derive(Clone)]
pub enum Way {
    /// The script by itself, through the Redis client of `api`: one connection for all, and no HTTP.
    Script(Ledger),
    /// The same, with the bids that come at once in one call, as `api` judges them.
    Coalesced(Coalescer),
    Api(SocketAddr),
    /// What the HTTP stack of `api` answers without asking anybody.
    Constant(SocketAddr),
}

impl Way {
    /// Which each client has of its own.
    pub(super) async fn connection(&self) -> Result<Option<Connection>> {
        Ok(match self {
            Self::Script(_) | Self::Coalesced(_) => None,
            Self::Api(server) | Self::Constant(server) => Some(Connection::open(&Target::plain(*server)).await?),
        })
    }

    pub(super) async fn answer(&self, bid: &Bid, connection: Option<&mut Connection>) -> Result<Told> {
        match (self, connection) {
            (Self::Script(ledger), _) => Ok(Told::of(ledger.place_bid(bid, NewIds::random(), true).await?)),
            (Self::Coalesced(coalescer), _) => Ok(Told::of(coalescer.place_bid(bid.clone(), NewIds::random()).await?)),
            (Self::Api(_), Some(connection)) => {
                let answer = connection.send(request(bid)?).await?;
                let (status, body) = (answer.status, answer.body);
                ensure!(status == StatusCode::CREATED || status == StatusCode::OK, "{status}: {body:?}");
                let price = Some(serde_json::from_slice::<Body>(&body)?.current_bid);
                Ok(Told { is_accepted: status == StatusCode::CREATED, price })
            }
            (_, Some(connection)) => {
                let health = Request::get("/health").header("host", "api").body(Full::default())?;
                ensure!(connection.send(health).await?.status == StatusCode::OK, "unhealthy");
                Ok(Told::default())
            }
            (_, None) => Ok(Told::default()),
        }
    }
}

/// What an answer says, if it says anything.
#[derive(Default)]
pub(super) struct Told {
    pub(super) is_accepted: bool,
    /// After the bid.
    pub(super) price: Option<Amount>,
}

impl Told {
    fn of(judged: Judged) -> Self {
        let price = judged.item.leader.map(|leader| leader.amount);
        Self { is_accepted: matches!(judged.verdict, Verdict::Accepted { .. }), price }
    }
}

/// What is read of an answer by `api`.
#[derive(Deserialize)]
struct Body {
    current_bid: Amount,
}

fn request(bid: &Bid) -> Result<Request<Full<Bytes>>> {
    let body = format!(r#"{{"user_id":"{}","amount":{}}}"#, bid.user, bid.amount);
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("/api/v1/items/{}/bid", bid.item))
        .header("host", "api")
        .header("content-type", "application/json");
    if let Some(key) = &bid.idempotency_key {
        request = request.header("idempotency-key", key.as_str());
    }
    Ok(request.body(Full::from(body))?)
}
