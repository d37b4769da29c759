//! The worker with real servers around it, and bids as the functions place and publish them.

use archive::{Config, stream, worker};
use async_nats::{HeaderMap, jetstream};
use auction::Verdict;
use ledger::{Ledger, NewIds, OutboxId, Placed};
use local::{Role, Server};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    given::bid,
    tables::{self, Database},
    wait::{until_equal, until_ok},
};

/// How many events each log keeps.
pub(crate) const LOG_KEPT: usize = 50;

pub(crate) struct Rig {
    pub(crate) redis: Server,
    pub(crate) nats: Server,
    pub(crate) database: Database,
    pub(crate) ledger: Ledger,
    pub(crate) client: async_nats::Client,
}

pub(crate) struct Worker {
    pub(crate) url: String,
    shutdown: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Rig {
    /// The servers, without a worker.
    pub(crate) async fn start() -> Self {
        let (redis, nats, database) = tokio::join!(local::testing::redis(), local::testing::nats(), Database::start());
        let ledger = Ledger::new(&redis.url()).unwrap();
        let login =
            async_nats::ConnectOptions::with_user_and_password("operator".to_owned(), nats.password_of(Role::Operator));
        let client = login.connect(nats.address()).await.unwrap();
        Self { redis, nats, database, ledger, client }
    }

    pub(crate) fn config(&self) -> Config {
        Config {
            redis_url: self.redis.url_of(Role::Worker),
            nats: self.nats.url_of(Role::Worker).parse().unwrap(),
            postgres: self.database.url.clone(),
            migrations: self.database.server.url().parse().unwrap(),
            worker_addr: "127.0.0.1:0".parse().unwrap(),
            log_kept: LOG_KEPT.try_into().unwrap(),
            transport: archive::Transport::JetStream,
            reopens_unverified: false,
        }
    }

    pub(crate) async fn start_worker(&self) -> Worker {
        self.start_worker_with(|_| {}).await
    }

    async fn start_worker_with(&self, change: impl FnOnce(&mut Config)) -> Worker {
        let mut config = self.config();
        change(&mut config);
        let listener = TcpListener::bind(config.worker_addr).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(worker::run(config, listener, shutdown.clone()));
        Worker { url, shutdown, task }
    }

    /// A worker that has started to work.
    pub(crate) async fn worker(&self) -> Worker {
        let worker = self.start_worker().await;
        worker.until_ready().await;
        worker
    }

    pub(crate) async fn worker_with(&self, change: impl FnOnce(&mut Config)) -> Worker {
        let worker = self.start_worker_with(change).await;
        worker.until_ready().await;
        worker
    }

    pub(crate) async fn place(&self, item: &str, minor_units: u64) -> Placed {
        let judged = self.ledger.place_bid(&bid(item, minor_units), NewIds::random(), true).await.unwrap();
        assert!(matches!(judged.verdict, Verdict::Accepted { .. }), "{judged:?}");
        judged.events.into_iter().next().unwrap()
    }

    /// One rising bid after the other, spread over five items.
    pub(crate) async fn place_many(&self, prices: std::ops::Range<u64>) -> Vec<Placed> {
        let mut placed = Vec::new();
        for price in prices {
            placed.push(self.place(&format!("item_{}", price % 5), price).await);
        }
        placed
    }

    /// Returns when JetStream has stored it; tries until there is a stream.
    pub(crate) async fn publish(&self, placed: &Placed) {
        let mut headers = HeaderMap::new();
        headers.insert(OutboxId::HEADER, placed.outbox_id.to_string());
        let subject = auction::event::subject(&placed.event.item_id);
        self.publish_bytes(subject, headers, placed.event.to_json().into()).await;
    }

    pub(crate) async fn publish_all(&self, placed: &[Placed]) {
        for placed in placed {
            self.publish(placed).await;
        }
    }

    pub(crate) async fn publish_bytes(&self, subject: String, headers: HeaderMap, payload: Vec<u8>) {
        let context = jetstream::new(self.client.clone());
        until_ok("publish", async || {
            let sent = context.publish_with_headers(subject.clone(), headers.clone(), payload.clone().into()).await;
            sent.map_err(|error| error.to_string())?.await.map_err(|error| error.to_string())
        })
        .await;
    }

    pub(crate) async fn until_archived(&self, bids: i64) {
        until_equal("bids in PostgreSQL", bids, async || self.database.bids().await).await;
        until_equal("outbox", Some(0), async || self.ledger.outbox_length().await.ok()).await;
        tables::check(&self.database.pool).await;
    }

    /// Deliveries that are not acknowledged, and messages not delivered yet.
    pub(crate) async fn unfinished(&self) -> Option<(usize, u64)> {
        let stream = jetstream::new(self.client.clone()).get_stream(stream::STREAM).await.ok()?;
        let info = stream.consumer_info(stream::CONSUMER).await.ok()?;
        Some((info.num_ack_pending, info.num_pending))
    }
}

impl Worker {
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let response = reqwest::get(format!("{}{path}", self.url)).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub(crate) async fn until_ready(&self) {
        until_equal("ready", 200, async || self.get("/ready").await.0).await;
    }

    pub(crate) async fn until_missing(&self, part: &str) {
        let missing = async || {
            let (code, body) = self.get("/ready").await;
            code == 503 && body.contains(&format!("\"{part}\":"))
        };
        until_equal(&format!("{part} missing"), true, missing).await;
    }

    pub(crate) async fn until_present(&self, part: &str) {
        let missing = async || self.get("/ready").await.1.contains(&format!("\"{part}\":"));
        until_equal(&format!("{part} missing"), false, missing).await;
    }

    /// One of the worker's numbers.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics").await.1;
        let prefix = format!("archival_worker_{name} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&prefix));
        value.unwrap_or_else(|| panic!("{name} in {text}")).parse().unwrap()
    }

    pub(crate) async fn until_metric(&self, name: &str, expected: u64) {
        until_equal(name, expected, async || self.metric(name).await).await;
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// As good as a kill: nothing is finished and nothing given back.
    pub(crate) async fn abort(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}
