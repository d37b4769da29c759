//! One api in this process on a free port, with a Redis of its own, and one call for each endpoint.

use std::time::Duration;

use functions::{Config, api};
use ledger::Ledger;
use local::{Role, Server, testing};
use reqwest::{Response, header};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// A port where nothing listens: the discard service, which needs root and is not run any more.
const NOWHERE: &str = "127.0.0.1:9";

pub(crate) struct TestApi {
    pub(crate) redis: Server,
    pub(crate) ledger: Ledger,
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    shutdown: CancellationToken,
    server: JoinHandle<anyhow::Result<()>>,
}

/// Redis opened for bids; NATS and PostgreSQL away.
pub(crate) async fn api() -> TestApi {
    api_with(|_| {}).await
}

pub(crate) async fn api_with(change: impl FnOnce(&mut Config)) -> TestApi {
    let redis = open_redis().await;
    let ledger = Ledger::new(&redis.url()).unwrap();
    let mut config = config(&redis);
    change(&mut config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(api::run(config, listener, shutdown.clone()));
    TestApi { redis, ledger, url, client: reqwest::Client::new(), shutdown, server }
}

/// A Redis that is open for bids.
pub(crate) async fn open_redis() -> Server {
    let redis = testing::redis().await;
    Ledger::new(&redis.url()).unwrap().open(1).await.unwrap();
    redis
}

pub(crate) fn config(redis: &Server) -> Config {
    Config {
        redis_url: redis.url_of(Role::Functions),
        nats_url: format!("nats://{NOWHERE}"),
        postgres_url: format!("postgres://bidding@{NOWHERE}/bidding"),
        unlisted_items_allowed: true,
        cors_origins: vec!["http://page.example".parse().unwrap()],
        publish_deadline: Duration::from_millis(5),
        log_kept: 1_000.try_into().unwrap(),
        queue: None,
    }
}

impl TestApi {
    pub(crate) async fn bid(&self, item: &str, user: &str, amount: f64) -> Response {
        self.post(item, &json!({ "user_id": user, "amount": amount }).to_string()).await
    }

    /// Posts a body as it is, as JSON.
    pub(crate) async fn post(&self, item: &str, body: &str) -> Response {
        let request = self.client.post(format!("{}/api/v1/items/{item}/bid", self.url));
        request.header(header::CONTENT_TYPE, "application/json").body(body.to_owned()).send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// Stops the server as SIGTERM does, and hands over what it said.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        self.server.await.unwrap()
    }
}

/// Checks status and form of an error, and hands over its detail.
#[track_caller]
pub(crate) fn problem(status: u16, answer: (u16, String, Value)) -> String {
    let (found, content_type, body) = answer;
    assert_eq!(found, status, "{body}");
    assert_eq!(content_type, "application/problem+json", "{body}");
    assert_eq!(body["status"], status, "{body}");
    assert_eq!(body["type"], "about:blank", "{body}");
    assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()), "{body}");
    body["detail"].as_str().expect("a detail").to_owned()
}

pub(crate) async fn parts(response: Response) -> (u16, String, Value) {
    let status = response.status().as_u16();
    let content_type = response.headers().get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap());
    let content_type = content_type.to_owned();
    let text = response.text().await.unwrap();
    (status, content_type, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
