//! Telling NATS what happened.
//!
//! A hint, not the truth: the event stands in the log and in the outbox already, so losing it here delays and never
//! changes history. Therefore a bid waits for it only a few milliseconds, and not at all while NATS is known to be away.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, HeaderMap, ServerAddr, connection::State};
use auction::{AuctionEvent, event::subject};
use futures_util::FutureExt;
use ledger::{OutboxId, Placed};

use crate::breaker::Breaker;

/// Events that wait in the client while it is disconnected; more are left to the outbox.
const WAITING_EVENTS_MAX: usize = 512;
/// A frozen server is noticed after two of these.
const PING_INTERVAL: Duration = Duration::from_secs(2);
/// How long one attempt to connect may take.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(1);

/// Between two attempts to connect, but not before the first: a cold sandbox has its first bid at once. The client's own
/// pauses grow to seconds, and viewers would wait for the relay to look for itself as long.
const RECONNECTION_DELAY: Duration = Duration::from_millis(250);

pub(crate) struct Publisher {
    client: Client,
    deadline: Duration,
    breaker: Breaker,
}

impl Publisher {
    /// Connects in the background, and again whenever the connection breaks.
    pub(crate) async fn new(url: &str, deadline: Duration) -> anyhow::Result<Self> {
        let options = ConnectOptions::new()
            .retry_on_initial_connect()
            .connection_timeout(CONNECTION_TIMEOUT)
            .ping_interval(PING_INTERVAL)
            .reconnect_delay_callback(|attempt| if attempt <= 1 { Duration::ZERO } else { RECONNECTION_DELAY })
            .client_capacity(WAITING_EVENTS_MAX)
            .event_callback(|event| async move { tracing::info!(%event, "NATS") });
        let server: ServerAddr = url.parse()?;
        let client = with_login(options, &server).connect(server).await?;
        Ok(Self { client, deadline, breaker: Breaker::new("NATS") })
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Sends the events, and waits until they have left this process: Lambda freezes what is left. Returns after the
    /// deadline whatever happened.
    pub(crate) async fn publish(&self, events: &[Placed]) {
        if events.is_empty() {
            return;
        }
        for placed in events {
            self.enqueue(&placed.event, &placed.outbox_id);
        }
        if self.breaker.waits() {
            let flushed = tokio::time::timeout(self.deadline, self.client.flush()).await;
            self.breaker.record(match flushed {
                Ok(Ok(())) => None,
                Ok(Err(_)) => Some("its client has ended"),
                Err(_) => Some("no answer in time"),
            });
        } else {
            let client = self.client.clone();
            self.breaker.probe(|| async move { client.flush().await.is_ok() });
        }
    }

    /// Hands one event to the client. Never waits: while the client is full the event is left to the outbox.
    fn enqueue(&self, event: &AuctionEvent, outbox_id: &OutboxId) {
        let mut headers = HeaderMap::new();
        headers.insert(OutboxId::HEADER, outbox_id.to_string());
        let subject = subject(&event.item_id);
        let publish = self.client.publish_with_headers(subject, headers, event.to_json().into());
        match tokio::task::unconstrained(publish).now_or_never() {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::warn!(%error, %outbox_id, "NATS refused an event"),
            None => tracing::debug!(%outbox_id, "the NATS client is full, the event stays in the outbox"),
        }
    }
}

/// The client does not take user and password out of the URL by itself.
fn with_login(options: ConnectOptions, server: &ServerAddr) -> ConnectOptions {
    match (server.username(), server.password()) {
        (Some(user), Some(password)) => options.user_and_password(user.to_owned(), password.to_owned()),
        _ => options,
    }
}
