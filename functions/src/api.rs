//! All routes in one process: for one machine, and for a container.

use std::time::Duration;

use anyhow::Context;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::{
    App, Config,
    routes::{Function, router},
};

/// A client that sends its headers slower than this holds a connection for nothing. Also bounds idle connections.
const HEADER_DEADLINE: Duration = Duration::from_secs(60);
/// How long requests in progress may take once the process is told to stop. Every bid is answered within a second.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);
/// After a failure to accept, mostly for want of file descriptors: some may be free again then.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// Serves until `shutdown` is cancelled, then finishes the requests in progress.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> anyhow::Result<()> {
    let app = App::new(&config).await?;
    let service = TowerToHyperService::new(router(app, &config, &Function::ALL));
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_DEADLINE);
    let graceful = GracefulShutdown::new();
    let connections = tokio_util::task::TaskTracker::new();
    tracing::info!(address = %listener.local_addr().context("no address")?, "the api listens");
    while let Some(stream) = accept(&listener, &shutdown).await {
        let connection = http.serve_connection(TokioIo::new(stream), service.clone());
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    connections.close();
    let drained = async { tokio::join!(graceful.shutdown(), connections.wait()) };
    if tokio::time::timeout(DRAIN_DEADLINE, drained).await.is_err() {
        tracing::warn!("some requests were cut off");
    }
    Ok(())
}

/// The next connection; `None` at shutdown.
async fn accept(listener: &TcpListener, shutdown: &CancellationToken) -> Option<TcpStream> {
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                // Small answers must not wait for more; a failure costs only latency.
                let _ = stream.set_nodelay(true);
                return Some(stream);
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}
