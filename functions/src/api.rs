//! All routes in one process: for one machine, and for a container.

use std::time::Duration;

use anyhow::Context;
use axum::Router;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    App, Config,
    connections::Connections,
    routes::{self, router},
};

/// A client that sends its headers slower than this holds a connection for nothing. Also bounds idle connections.
const HEADER_DEADLINE: Duration = Duration::from_secs(60);
/// How long requests in progress may take once the process is told to stop. Every bid is answered within a second.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);
/// A broken connection to Redis is noticed by this question, and not by a bid, whose outcome would be unknown.
const PING_INTERVAL: Duration = Duration::from_secs(1);

/// Serves until `shutdown` is cancelled, then finishes the requests in progress.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> anyhow::Result<()> {
    let app = App::new(&config).await?;
    tracing::info!(address = %listener.local_addr().context("no address")?, "the api listens");
    let router = router(app.clone(), &config, &routes::ALL)?;
    let served = serve(router, app.bids.clone(), Connections::new(listener), &shutdown);
    tokio::join!(served, shutdown.run_until_cancelled(keep_connected(&app)));
    Ok(())
}

async fn serve(router: Router, bids: TaskTracker, clients: Connections, shutdown: &CancellationToken) {
    let service = TowerToHyperService::new(router);
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_DEADLINE);
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    while let Some((stream, slot)) = clients.next(shutdown).await {
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service.clone()));
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(slot);
        });
    }
    drop(clients);
    connections.close();
    bids.close();
    let drained = async { tokio::join!(graceful.shutdown(), connections.wait(), bids.wait()) };
    if tokio::time::timeout(DRAIN_DEADLINE, drained).await.is_err() {
        tracing::warn!("some requests were cut off");
    }
}

async fn keep_connected(app: &App) {
    loop {
        let _ = app.noted(app.ledger.ping().await);
        tokio::time::sleep(PING_INTERVAL).await;
    }
}
