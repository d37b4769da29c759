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
use crate::http::{self, App};
use crate::hub::Hub;
use crate::listener::Acceptor;
use crate::metrics::Metrics;
use crate::{limits, marks};

/// Serves until `shutdown`, then closes every viewer and returns when all is quiet or the deadline has passed.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> Result<()> {
    let tasks = TaskTracker::new();
    let metrics = Arc::new(Metrics::new());
    let ledger = Ledger::new(&config.redis_url).context("REDIS_URL is not the address of a Redis server")?;
    let bus = Bus::new(&config.nats_url, &tasks, shutdown.clone()).await?;
    let lifetime = (tasks.clone(), shutdown.clone());
    let hub = Hub::new((ledger, bus), Arc::clone(&metrics), lifetime, config.connections_max);
    let handshakes = Arc::new(Semaphore::new(config.handshakes_max));
    let watching = shutdown.clone().run_until_cancelled_owned(marks::watch(Arc::clone(&hub)));
    tasks.spawn(watching);
    let app = App {
        hub,
        origins: config.origins,
        viewers: Arc::new(Semaphore::new(config.connections_max)),
        viewers_max: config.connections_max,
        handshakes: Arc::clone(&handshakes),
        handshakes_max: config.handshakes_max,
        tasks: tasks.clone(),
    };
    let address = listener.local_addr().context("the listener has no address")?;
    info!(%address, viewers_max = config.connections_max, "the relay listens");
    let router = http::router(app);
    let acceptor = Acceptor { router, handshakes, metrics, tasks: tasks.clone(), shutdown: shutdown.clone() };
    acceptor.run(listener).await;
    info!("stopping: viewers are told to come back");
    tasks.close();
    if timeout(limits::SHUTDOWN_DEADLINE, tasks.wait()).await.is_err() {
        warn!(connections = tasks.len(), "gave up waiting for connections to end");
    }
    Ok(())
}
