//! The HTTP connections of clients, and the bounds on what they may hold.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{ConnectInfo, Extension};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::tell;

/// Connections that wait to be accepted: thousands of bidders who come at once must not be turned away.
const BACKLOG: u32 = 4_096;
/// Connections at once; more wait to be accepted.
const CONNECTIONS_MAX: u64 = 10_000;
/// A client that sends its headers slower than this holds a connection for nothing. Also bounds idle connections.
const HEADER_DEADLINE: Duration = Duration::from_secs(60);
/// How long requests in progress may take at the end; as long as the `api` process gives them.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);
/// After a failure to accept, mostly for want of descriptors: some may be free again then.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

pub(super) fn listen(address: SocketAddr) -> Result<TcpListener> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().with_context(|| format!("API_ADDR: cannot listen on {address}"))
}

/// Serves until `shutdown` is cancelled, then finishes the requests in progress.
pub(super) async fn serve(routes: Router, listener: TcpListener, shutdown: CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_DEADLINE);
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(slots()));
    while let Some((stream, peer, slot)) = shutdown.run_until_cancelled(accept(&listener, &slots)).await {
        let service = TowerToHyperService::new(routes.clone().layer(Extension(ConnectInfo(peer))));
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // It ends early if its client goes: nothing to tell.
            let _ = connection.await;
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_DEADLINE, graceful.shutdown()).await.is_err() {
        tell("some requests were cut off");
    }
}

/// Takes as many open files as can be had. Half of them are left to the sandboxes, which need some each.
fn slots() -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from((files / 2).clamp(1, CONNECTIONS_MAX)).unwrap_or(1)
}

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Small answers must not wait for more; a failure costs only latency.
                let _ = stream.set_nodelay(true);
                return (stream, peer, slot);
            }
            Err(error) => {
                tell(format_args!("could not accept a connection: {error}"));
                tokio::time::sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}
