//! Accepting connections. Nothing that goes wrong with one of them ends the loop.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result};
use axum::{Router, http::Request};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;
use tracing::{debug, info, warn};

use crate::limits;
use crate::metrics::Metrics;

/// Listens on an address such as `127.0.0.1:8081`, the value of `RELAY_ADDR`.
pub async fn listen(address: &str) -> Result<TcpListener> {
    let mut resolved = lookup_host(address).await.with_context(|| format!("RELAY_ADDR={address}: not an address"))?;
    let socket_address = resolved.next().with_context(|| format!("RELAY_ADDR={address}: no such host"))?;
    bind(socket_address).with_context(|| {
        format!("cannot listen on {address}: maybe another relay runs there; stop it or set RELAY_ADDR")
    })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit it.
    socket.set_send_buffer_size(limits::SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(limits::LISTEN_BACKLOG)
}

pub(crate) struct Acceptor {
    pub(crate) router: Router,
    /// Bounds the connections that are no viewers.
    pub(crate) handshakes: Arc<Semaphore>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

impl Acceptor {
    /// Accepts until shutdown.
    pub(crate) async fn run(self, listener: TcpListener) {
        let mut failing = false;
        loop {
            let next = async {
                let permit = Arc::clone(&self.handshakes).acquire_owned().await;
                (permit, listener.accept().await)
            };
            let Some((permit, accepted)) = self.shutdown.run_until_cancelled(next).await else { return };
            match accepted {
                Ok((stream, peer)) => {
                    if std::mem::take(&mut failing) {
                        info!("accepting connections again");
                    }
                    let visit = Visit::new(peer.ip().to_canonical(), permit.ok());
                    self.tasks.spawn(serve(stream, self.router.clone(), self.shutdown.clone(), visit));
                }
                // The peer's doing: the next connection is as good as any.
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        warn!(%error, "cannot accept connections");
                    }
                    self.metrics.accepts_failed.inc();
                    self.shutdown.run_until_cancelled(sleep(limits::ACCEPT_RETRY_DELAY)).await;
                }
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// One connection, known to whoever answers its requests.
pub(crate) struct Visit {
    pub(crate) peer: IpAddr,
    /// Of the connections that are no viewers.
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    /// Cancelled when the stream that is its answer has ended.
    stream: OnceLock<CancellationToken>,
}

impl Visit {
    fn new(peer: IpAddr, permit: Option<OwnedSemaphorePermit>) -> Arc<Self> {
        Arc::new(Self { peer, permit: Mutex::new(permit), stream: OnceLock::new() })
    }

    /// Its answer goes on until what this returns is cancelled: it is a viewer by now, and the engine's.
    pub(crate) fn becomes_stream(&self) -> CancellationToken {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.stream.get_or_init(CancellationToken::new).clone()
    }
}

/// Answers the requests of one connection. It ends with the connection, at the latest with its deadline, or with the
/// upgrade that makes a viewer of it.
async fn serve(stream: TcpStream, router: Router, shutdown: CancellationToken, visit: Arc<Visit>) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "the connection is gone");
        return;
    }
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new());
    http.header_read_timeout(limits::HANDSHAKE_DEADLINE);
    http.max_buf_size(limits::REQUEST_HEAD_BYTES_MAX);
    let visited = Arc::clone(&visit);
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Arc::clone(&visited));
        request
    });
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = pin!(connection.with_upgrades());
    let over = async {
        tokio::select! {
            () = sleep(limits::HTTP_CONNECTION_DEADLINE) => {}
            () = shutdown.cancelled() => {}
        }
        if let Some(stream) = visit.stream.get() {
            stream.cancelled().await;
        }
    };
    tokio::select! {
        result = &mut connection => {
            if let Err(error) = result {
                debug!(%error, "a connection ended badly");
            }
            return;
        }
        () = over => {}
    }
    connection.as_mut().graceful_shutdown();
    // It takes the answer that was begun, or is cut off; both are its end.
    let _ = timeout(limits::CLOSE_DEADLINE, connection).await;
}
