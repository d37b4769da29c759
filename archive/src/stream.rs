//! The JetStream stream that captures every event as it is told, and the worker's place in it.

use async_nats::{
    Client, ConnectOptions, ServerAddr,
    jetstream::{
        self, Message,
        consumer::{AckPolicy, Consumer, DeliverPolicy, pull},
        stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream},
    },
};

use futures_util::TryStreamExt;
use time::OffsetDateTime;

use crate::limits;

pub const STREAM: &str = "BID_EVENTS";
pub const CONSUMER: &str = "archival-worker";
const SUBJECTS: &str = "bid_events.*";

/// Connects, and afterwards reconnects by itself for as long as it takes.
pub(crate) async fn connect(server: &ServerAddr) -> anyhow::Result<Client> {
    let options = ConnectOptions::new()
        .name(CONSUMER)
        // Its answers come where no other role may listen.
        .custom_inbox_prefix("_inbox.worker")
        .connection_timeout(limits::NATS_CONNECTION_TIMEOUT)
        .request_timeout(Some(limits::NATS_REQUEST_TIMEOUT))
        .reconnect_delay_callback(|attempt| limits::PAUSE_MAX.min(limits::PAUSE_MIN * attempt.min(100) as u32));
    Ok(with_login(options, server).connect(server.clone()).await?)
}

/// The client does not take user and password out of the URL by itself.
fn with_login(options: ConnectOptions, server: &ServerAddr) -> ConnectOptions {
    match (server.username(), server.password()) {
        (Some(user), Some(password)) => options.user_and_password(user.to_owned(), password.to_owned()),
        _ => options,
    }
}

/// Makes the stream and the consumer if they are missing, sets them right if they are not as they should be, and starts
/// to deliver what is not acknowledged yet.
pub(crate) async fn messages(client: &Client) -> anyhow::Result<pull::Stream> {
    let stream = stream(client).await?;
    // Creating one that exists with these settings changes nothing; with others it updates them.
    let consumer = stream.create_consumer(consumer_config()).await?;
    let messages = consumer
        .stream()
        .max_messages_per_batch(limits::PULL_LENGTH)
        .expires(limits::PULL_EXPIRY)
        .heartbeat(limits::PULL_HEARTBEAT)
        .messages();
    Ok(messages.await?)
}

async fn ensure_stream(context: &jetstream::Context) -> anyhow::Result<Stream> {
    let stream = context.get_or_create_stream(with_our_settings(Config::default())).await?;
    let found = &stream.cached_info().config;
    // What we have no opinion on, such as the number of replicas, stays as the operator set it.
    let wanted = with_our_settings(found.clone());
    if *found != wanted {
        tracing::warn!(?found, "the stream {STREAM} has other settings than ours: updating it");
        context.update_stream(&wanted).await?;
    }
    Ok(stream)
}

fn with_our_settings(config: Config) -> Config {
    Config {
        name: STREAM.to_owned(),
        subjects: vec![SUBJECTS.to_owned()],
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        max_age: limits::STREAM_AGE_MAX,
        discard: DiscardPolicy::Old,
        ..config
    }
}

fn consumer_config() -> pull::Config {
    pull::Config {
        durable_name: Some(CONSUMER.to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: limits::ACK_WAIT,
        // For ever: a finite number would silently drop what was delivered while PostgreSQL was away.
        max_deliver: -1,
        max_ack_pending: limits::ACKS_PENDING_MAX,
        ..pull::Config::default()
    }
}

/// A part of what the stream holds, read beside the consumer, up to the last message it has now.
pub(crate) struct Backlog {
    reader: Consumer<pull::Config>,
    /// The last sequence that the stream had at the beginning.
    last: u64,
    read_up_to: u64,
}

/// Messages that no worker has acknowledged: what the consumer has delivered to a worker that died would come again only
/// after [`limits::ACK_WAIT`].
pub(crate) async fn unacknowledged(client: &Client) -> anyhow::Result<Backlog> {
    let stream = stream(client).await?;
    let consumer = stream.create_consumer(consumer_config()).await?;
    let acknowledged = consumer.cached_info().ack_floor.stream_sequence;
    Backlog::new(&stream, DeliverPolicy::ByStartSequence { start_sequence: acknowledged + 1 }, acknowledged).await
}

/// Messages since a time, or all.
pub(crate) async fn since(client: &Client, time: Option<OffsetDateTime>) -> anyhow::Result<Backlog> {
    let start = time.map_or(DeliverPolicy::All, |start_time| DeliverPolicy::ByStartTime { start_time });
    Backlog::new(&stream(client).await?, start, 0).await
}

/// Makes the stream if it is missing, and sets it right if it is not as it should be.
pub(crate) async fn stream(client: &Client) -> anyhow::Result<Stream> {
    let mut context = jetstream::new(client.clone());
    context.set_timeout(limits::NATS_REQUEST_TIMEOUT);
    ensure_stream(&context).await
}

impl Backlog {
    async fn new(stream: &Stream, start: DeliverPolicy, read_up_to: u64) -> anyhow::Result<Self> {
        let reader = pull::Config {
            ack_policy: AckPolicy::None,
            deliver_policy: start,
            inactive_threshold: limits::ACK_WAIT,
            ..pull::Config::default()
        };
        let last = stream.cached_info().state.last_sequence;
        Ok(Self { reader: stream.create_consumer(reader).await?, last, read_up_to })
    }

    /// The next of them; `None` after the last.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Vec<Message>>> {
        if self.read_up_to >= self.last {
            return Ok(None);
        }
        let batch = self.reader.fetch().max_messages(limits::BATCH_LENGTH_MAX).messages().await?;
        let messages: Vec<Message> = batch.try_collect().await.map_err(anyhow::Error::from_boxed)?;
        let Some(last) = messages.last() else { return Ok(None) };
        self.read_up_to = last.info().map_err(anyhow::Error::from_boxed)?.stream_sequence;
        Ok(Some(messages))
    }
}
