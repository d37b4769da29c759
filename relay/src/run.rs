//! The relay from start to end.

use std::sync::Arc;

use anyhow::{Context, Result};
use ledger::Ledger;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use crate::bus::Bus;
use crate::config::Config;
use crate::engine::Engine;
use crate::http::{self, App};
use crate::hub::Hub;
use crate::listener::Acceptor;
use crate::metrics::Metrics;
use crate::places::Places;
use crate::{limits, marks};

/// Serves until `shutdown`, then tells all viewers to come back and returns when all is quiet or the deadline has passed.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> Result<()> {
    let tasks = TaskTracker::new();
    // Items live on until their last viewer has been told.
    let lifetime = CancellationToken::new();
    let _ends_with_us = lifetime.clone().drop_guard();
    let metrics = Arc::new(Metrics::new());
    let ledger = Ledger::new(&config.redis_url).context("REDIS_URL is not the address of a Redis server")?;
    let bus = Bus::new(&config.nats_url, &tasks, lifetime.clone()).await?;
    let (engine, shards) = Engine::new(config.shards, config.spread_above)?;
    let places = Places::new(config.connections_max, config.connections_of_address_max);
    let lives = (tasks.clone(), lifetime.clone());
    let hub = Hub::new((ledger, bus), Arc::clone(&metrics), lives, (engine, places), &config);
    shards.start(&hub)?;
    let handshakes = Arc::new(Semaphore::new(config.handshakes_max));
    tasks.spawn(lifetime.clone().run_until_cancelled_owned(marks::watch(Arc::clone(&hub))));
    let app = App {
        hub: Arc::clone(&hub),
        origins: config.origins,
        handshakes: Arc::clone(&handshakes),
        handshakes_max: config.handshakes_max,
        tasks: tasks.clone(),
        has_echo: config.has_echo,
        compression: config.compression,
    };
    let address = listener.local_addr().context("the listener has no address")?;
    info!(%address, viewers_max = config.connections_max, shards = config.shards, "the relay listens");
    let router = http::router(app);
    let acceptor = Acceptor { router, handshakes, metrics, tasks: tasks.clone(), shutdown: shutdown.clone() };
    acceptor.run(listener).await;
    info!("stopping: viewers are told to come back");
    let ending = async {
        hub.engine.drain(config.drain).await;
        lifetime.cancel();
        tasks.close();
        tasks.wait().await;
    };
    if timeout(config.drain + limits::SHUTDOWN_DEADLINE, ending).await.is_err() {
        warn!(viewers = hub.places.taken(), tasks = tasks.len(), "gave up waiting for connections to end");
    }
    Ok(())
}
