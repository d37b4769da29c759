//! Handing events to the archive's queue, where SQS takes JetStream's place.
//!
//! The same hint as the one to NATS, and beside it: what does not get into the queue waits in the outbox.

use std::sync::OnceLock;

use auction::AuctionEvent;
use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Config, Region, retry::RetryConfig},
    types::MessageAttributeValue,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use futures_util::future::try_join_all;
use ledger::{OutboxId, Placed};

use crate::{breaker::Breaker, config::QueueConfig};

pub(crate) struct Queue {
    config: QueueConfig,
    /// Made for the first event: reading the root certificates takes 3 ms.
    client: OnceLock<Client>,
    breaker: Breaker,
}

impl Queue {
    pub(crate) fn new(config: QueueConfig) -> Self {
        Self { config, client: OnceLock::new(), breaker: Breaker::new("SQS") }
    }

    /// Sends the events and waits until SQS has them, but not for longer than the deadline.
    pub(crate) async fn send(&self, events: &[Placed]) {
        if events.is_empty() {
            return;
        }
        let client = self.client.get_or_init(|| client(&self.config));
        let sending = events.iter().map(|placed| send(client.clone(), self.config.url.clone(), placed.clone()));
        if self.breaker.waits() {
            let sent = tokio::time::timeout(self.config.deadline, try_join_all(sending)).await;
            self.breaker.record(match &sent {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => Some(error),
                Err(_) => Some("no answer in time"),
            });
        } else {
            let sending: Vec<_> = sending.collect();
            self.breaker.probe(|| async move { try_join_all(sending).await.is_ok() });
        }
    }
}

/// Returns when it is in the queue, or why it is not.
async fn send(client: Client, url: String, Placed { outbox_id, event }: Placed) -> Result<(), String> {
    let outbox = MessageAttributeValue::builder().data_type("String").string_value(outbox_id.to_string()).build();
    let outbox = outbox.map_err(|error| error.to_string())?;
    let message = client.send_message().queue_url(url).message_body(event.to_json());
    let message = message.message_group_id(event.item_id.as_str()).message_deduplication_id(deduplication_id(&event));
    match message.message_attributes(OutboxId::HEADER, outbox).send().await {
        Ok(_) => Ok(()),
        Err(error) => {
            let error = format!("{:#}", anyhow::Error::from(error));
            tracing::debug!(%outbox_id, "SQS did not take an event: {error}");
            Err(error)
        }
    }
}

/// SQS takes it once within five minutes, whoever sends it.
fn deduplication_id(event: &AuctionEvent) -> String {
    format!("{}:{}:{}", event.item_id, event.position.epoch, event.position.seq)
}

fn client(config: &QueueConfig) -> Client {
    let http = match config.endpoint.as_deref() {
        Some(endpoint) if endpoint.starts_with("http:") => Builder::new().build_http(),
        _ => Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https(),
    };
    let mut settings = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(config.credentials.clone())
        .http_client(http)
        // A second attempt is the outbox's.
        .retry_config(RetryConfig::disabled());
    settings.set_endpoint_url(config.endpoint.clone());
    Client::from_conf(settings.build())
}
