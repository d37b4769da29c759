//! Servers, a relay and a bidder of their own for each test.

use std::net::SocketAddr;
use std::time::Duration;

use async_nats::HeaderMap;
use auction::{Amount, Bid, ItemId, UserId};
use ledger::{Ledger, NewIds, OutboxId, Placed};
use local::{Role, Server};
use relay::{Config, Origins, SlowViewers};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::Client;

/// Longer than anything takes on a busy machine; only a failing test waits this long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Stage {
    pub(crate) redis: Server,
    pub(crate) nats: Server,
    pub(crate) relay: Relay,
    pub(crate) ledger: Ledger,
    pub(crate) publisher: async_nats::Client,
}

impl Stage {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(adjust: impl FnOnce(&mut Config)) -> Self {
        let (redis, nats) = tokio::join!(local::testing::redis(), local::testing::nats());
        let ledger = Ledger::new(&redis.url()).unwrap();
        ledger.open(1).await.unwrap();
        let publisher = publisher(&nats).await;
        let relay = Relay::start(&redis, &nats, adjust).await;
        until("the relay is connected", async || relay.stats().await["nats_connected"] == true).await;
        Self { redis, nats, relay, ledger, publisher }
    }

    /// A viewer that has read its first frame.
    pub(crate) async fn viewer(&self, item: &str) -> Client {
        Client::connect(self.relay.address, item).await
    }

    /// Accepts a bid of so many minor units and tells nobody.
    pub(crate) async fn accept(&self, item: &str, minor_units: u64) -> Placed {
        let bid = Bid {
            item: ItemId::parse(item).unwrap(),
            user: UserId::parse("alice").unwrap(),
            amount: Amount::from_minor_units(minor_units).unwrap(),
            idempotency_key: None,
        };
        let judged = self.ledger.place_bid(&bid, NewIds::random(), true).await.unwrap();
        judged.events.into_iter().next().expect("an accepted bid has an event")
    }

    /// Accepts bids and tells nobody.
    pub(crate) async fn accept_many(&self, item: &str, minor_units: std::ops::Range<u64>) -> Vec<Placed> {
        let mut placed = Vec::new();
        for minor_units in minor_units {
            placed.push(self.accept(item, minor_units).await);
        }
        placed
    }

    /// Has Redis do something that no part of the system does, and returns what it says.
    pub(crate) async fn redis(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(self.redis.address()).await.unwrap();
        let login = format!("AUTH operator {}\r\n", self.redis.password_of(Role::Operator));
        stream.write_all(format!("{login}{command}\r\nQUIT\r\n").as_bytes()).await.unwrap();
        let mut replies = String::new();
        stream.read_to_string(&mut replies).await.unwrap();
        let reply = replies.strip_prefix("+OK\r\n").and_then(|replies| replies.strip_suffix("+OK\r\n"));
        reply.filter(|reply| !reply.starts_with('-')).unwrap_or_else(|| panic!("{command}: {replies}")).to_owned()
    }

    pub(crate) async fn publish(&self, placed: &Placed) {
        publish(&self.publisher, placed).await;
        self.publisher.flush().await.unwrap();
    }

    /// Accepts a bid and publishes it.
    pub(crate) async fn bid(&self, item: &str, minor_units: u64) -> String {
        let placed = self.accept(item, minor_units).await;
        self.publish(&placed).await;
        placed.event.to_json()
    }
}

pub(crate) async fn publisher(nats: &Server) -> async_nats::Client {
    let login =
        async_nats::ConnectOptions::with_user_and_password("operator".to_owned(), nats.password_of(Role::Operator));
    login.connect(nats.address()).await.unwrap()
}

pub(crate) async fn publish(publisher: &async_nats::Client, placed: &Placed) {
    let mut headers = HeaderMap::new();
    headers.insert(OutboxId::HEADER, placed.outbox_id.to_string());
    let subject = auction::event::subject(&placed.event.item_id);
    publisher.publish_with_headers(subject, headers, placed.event.to_json().into()).await.unwrap();
}

pub(crate) fn frames(placed: &[Placed]) -> Vec<String> {
    placed.iter().map(|placed| placed.event.to_json()).collect()
}

/// A relay inside the test's own process.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    _running: JoinHandle<anyhow::Result<()>>,
}

impl Relay {
    pub(crate) async fn start(redis: &Server, nats: &Server, adjust: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            address: "127.0.0.1:0".to_owned(),
            redis_url: redis.url_of(Role::Relay),
            nats_url: nats.url_of(Role::Relay),
            origins: Origins::parse("https://auctions.example").unwrap(),
            connections_max: 5_000,
            connections_of_address_max: None,
            shards: 2,
            spread_above: 100,
            ring_frames: 1_024,
            slow_viewers: SlowViewers::Conflate,
            subscribers_interval: Some(Duration::from_secs(5)),
            drain: Duration::ZERO,
            compression: false,
            has_echo: false,
            handshakes_max: 1_000,
        };
        adjust(&mut config);
        let listener = relay::listen(&config.address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(relay::run(config, listener, shutdown.clone()));
        Self { address, shutdown, _running: running }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn stats(&self) -> serde_json::Value {
        get_json(&self.url("/stats")).await
    }

    /// Waits until a number of `/stats` is so much at least.
    pub(crate) async fn until_stat(&self, name: &str, least: u64) {
        until(name, async || self.stats().await[name].as_u64().unwrap() >= least).await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

pub(crate) async fn get_json(url: &str) -> serde_json::Value {
    let body = reqwest::get(url).await.unwrap().bytes().await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// Waits for a condition.
pub(crate) async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("in vain: {what}"));
}
