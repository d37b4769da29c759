//! Accepting connections, and the bounds on what a client may hold.

use std::{pin::Pin, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

/// Connections at once; more wait to be accepted. Each costs a descriptor and some 30 KiB while it is used.
const CONNECTIONS_MAX: u64 = 10_000;
/// Descriptors for everything that is no client: Redis, NATS, PostgreSQL, logs.
const FILES_RESERVED: u64 = 64;
/// An answer has a kilobyte, a page of bids 256: a client that does not take it in this time has gone, or means harm.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// After a failure to accept, mostly for want of descriptors: some may be free again then.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// Connections that wait to be accepted: a thousand bidders who come at once must not be turned away.
const BACKLOG: u32 = 4_096;

/// Listens at an address such as `127.0.0.1:8080`.
pub async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    let found = tokio::net::lookup_host(address).await?.next().context("no such address")?;
    let socket = if found.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(found)?;
    Ok(socket.listen(BACKLOG)?)
}

pub(crate) type Stream = Pin<Box<TimeoutStream<TcpStream>>>;

pub(crate) struct Connections {
    listener: TcpListener,
    slots: Arc<Semaphore>,
}

impl Connections {
    /// Raises the limit on open files as far as the system allows, and takes as many connections as fit below it.
    pub(crate) fn new(listener: TcpListener) -> Self {
        let files = rlimit::increase_nofile_limit(CONNECTIONS_MAX + FILES_RESERVED).unwrap_or(1_024);
        let slots = files.saturating_sub(FILES_RESERVED).clamp(1, CONNECTIONS_MAX);
        Self { listener, slots: Arc::new(Semaphore::new(slots as usize)) }
    }

    /// The next connection with the slot it holds; `None` at shutdown.
    pub(crate) async fn next(&self, shutdown: &CancellationToken) -> Option<(Stream, OwnedSemaphorePermit)> {
        shutdown.run_until_cancelled(self.accept()).await
    }

    async fn accept(&self) -> (Stream, OwnedSemaphorePermit) {
        let slot = self.slots.clone().acquire_owned().await.expect("the semaphore is never closed");
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return (bounded(stream), slot),
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(ACCEPT_BACKOFF).await;
                }
            }
        }
    }
}

fn bounded(stream: TcpStream) -> Stream {
    // Small answers must not wait for more; a failure costs only latency.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_DEADLINE));
    Box::pin(stream)
}
