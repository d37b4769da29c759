//! The connection to NATS: subscriptions, and the times when messages may have been missed.

use anyhow::{Context, Result};
use async_nats::{Client, ConnectOptions, Event, RequestErrorKind, ServerAddr, Subscriber};
use auction::ItemId;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use crate::limits;

pub(crate) struct Bus {
    client: Client,
    link: watch::Sender<Link>,
    /// Changes when messages may have been missed and, by now, are missed no longer.
    repaired: watch::Receiver<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Link {
    connected: bool,
    interruptions: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("NATS takes no subscription now")]
pub(crate) struct NotSubscribed;

impl Bus {
    /// Returns at once, whether NATS is there or not; it is connected to as soon as it is, again and again.
    pub(crate) async fn new(url: &str, tasks: &TaskTracker, shutdown: CancellationToken) -> Result<Self> {
        let (link, _) = watch::channel(Link::default());
        let noted = link.clone();
        let options = ConnectOptions::new()
            .name("relay")
            // Its answers come where no other role may listen.
            .custom_inbox_prefix("_inbox.relay")
            .retry_on_initial_connect()
            .ping_interval(limits::NATS_PING_INTERVAL)
            .connection_timeout(limits::NATS_CONNECTION_TIMEOUT)
            .reconnect_delay_callback(|_| limits::NATS_RECONNECT_DELAY)
            .subscription_capacity(limits::SUBSCRIPTION_MESSAGES_MAX)
            .client_capacity(limits::NATS_COMMANDS_MAX)
            .event_callback(move |event| {
                note(&noted, &event);
                std::future::ready(())
            });
        let server: ServerAddr = url.parse().context("NATS_URL is not the address of a NATS server")?;
        let client = with_login(options, &server).connect(server).await.context("cannot connect to NATS_URL")?;
        let (repaired_sender, repaired) = watch::channel(0);
        let watcher = watch_interruptions(client.clone(), link.subscribe(), repaired_sender);
        tasks.spawn(async move {
            shutdown.run_until_cancelled(watcher).await;
        });
        Ok(Self { client, link, repaired })
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.link.borrow().connected
    }

    /// Whether NATS tells what happens, and not only seems to be there.
    pub(crate) async fn is_answering(&self) -> bool {
        self.is_connected() && timeout(limits::NATS_ANSWER_MAX, confirm(&self.client)).await == Ok(true)
    }

    /// Changes when every item should look for what it missed.
    pub(crate) fn repaired(&self) -> watch::Receiver<u64> {
        self.repaired.clone()
    }

    /// Returns when the subscription stands at the server: what is published from now on comes. While NATS is away it
    /// returns at once; the subscription is made with the next connection, and [`Bus::repaired`] tells when.
    pub(crate) async fn subscribe(&self, item: &ItemId) -> Result<Subscriber, NotSubscribed> {
        let subscribing = self.client.subscribe(auction::event::subject(item));
        let subscriber =
            timeout(limits::SUBSCRIBE_TIMEOUT, subscribing).await.map_err(|_| NotSubscribed)?.map_err(|error| {
                warn!(%error, "cannot subscribe");
                NotSubscribed
            })?;
        if self.is_connected() && timeout(limits::SUBSCRIBE_TIMEOUT, confirm(&self.client)).await != Ok(true) {
            self.link.send_modify(|link| link.interruptions += 1);
        }
        Ok(subscriber)
    }
}

/// The client does not take user and password out of the URL by itself.
fn with_login(options: ConnectOptions, server: &ServerAddr) -> ConnectOptions {
    match (server.username(), server.password()) {
        (Some(user), Some(password)) => options.user_and_password(user.to_owned(), password.to_owned()),
        _ => options,
    }
}

/// Asks for nobody: that nobody is there is the server's answer, and it comes after the server has dealt with everything
/// sent before. The client's `flush` only waits for the bytes to leave.
async fn confirm(client: &Client) -> bool {
    match client.request("relay.confirm", bytes::Bytes::new()).await {
        Ok(_) => true,
        Err(error) => error.kind() == RequestErrorKind::NoResponders,
    }
}

/// Called for every event of the client, from its own task: must not wait.
fn note(link: &watch::Sender<Link>, event: &Event) {
    let was_connected = link.borrow().connected;
    match event {
        Event::Connected => {
            info!("connected to NATS");
            link.send_modify(|link| *link = Link { connected: true, interruptions: link.interruptions + 1 });
        }
        Event::Disconnected => {
            if was_connected {
                warn!("lost the connection to NATS");
            }
            link.send_modify(|link| link.connected = false);
        }
        // The client is dropped: the relay stops.
        Event::Closed => {}
        Event::SlowConsumer(_) => link.send_modify(|link| link.interruptions += 1),
        Event::ServerError(error) => warn!(%error, "NATS reports an error"),
        Event::ClientError(error) => warn!(%error, "the NATS client reports an error"),
        Event::LameDuckMode | Event::Draining => {}
    }
}

/// After every interruption waits until the subscriptions stand again, and passes it on.
async fn watch_interruptions(client: Client, mut link: watch::Receiver<Link>, repaired: watch::Sender<u64>) {
    let mut seen = 0;
    while let Ok(now) = link.wait_for(|link| link.interruptions != seen).await.map(|link| *link) {
        seen = now.interruptions;
        if timeout(limits::CONFIRMATION_TIMEOUT, confirm(&client)).await != Ok(true) {
            warn!("NATS does not confirm the subscriptions");
        }
        repaired.send_modify(|count| *count += 1);
    }
}
