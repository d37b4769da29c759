//! What the archive's queue delivers, brought into PostgreSQL.
//!
//! SQS hands over up to ten messages, those of one item in order, and keeps an item's later ones back until these are
//! dealt with. What cannot be archived is set aside and counts as dealt with: to deliver it again would change nothing.
//! What could not be archived now is reported, and comes again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use anyhow::Context;
use archive::{Delivery, Intake, PostgresUrl, SetAside, Sink, Taken, Trimmer, Unreadable};
use auction::ItemId;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use lambda_http::{lambda_runtime, service_fn};
use ledger::{Ledger, OutboxId};

use crate::{Config, deadline::time_left};

/// Left of the function's time for the answer. A store has a deadline of its own, which comes first: a connection that hangs
/// must be closed by it.
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// The function's connections.
pub struct Archiver {
    intake: Intake,
    ledger: Ledger,
    trimmer: Trimmer,
}

/// Serves the queue's events under Lambda.
pub async fn run() -> anyhow::Result<()> {
    let archiver = Archiver::new(&Config::from_env()?)?;
    let handler = service_fn(async |event: lambda_runtime::LambdaEvent<SqsEvent>| {
        let until = Instant::now() + time_left(event.context.deadline).saturating_sub(ANSWER_TIME);
        Ok::<_, lambda_runtime::Error>(archiver.archive(event.payload, until).await)
    });
    lambda_runtime::run(handler).await.map_err(anyhow::Error::from_boxed)
}

impl Archiver {
    /// Connects when it is first used.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let postgres: PostgresUrl = config.postgres_url.parse().context("POSTGRES_URL")?;
        let ledger = Ledger::new(&config.redis_url).context("REDIS_URL")?;
        let intake = Intake::new(Sink::new(&postgres), ledger.clone());
        Ok(Self { trimmer: Trimmer::new(intake.clone(), config.log_kept), intake, ledger })
    }

    /// Answers which messages are to come again: of an item the first that failed, and all behind it.
    pub async fn archive(&self, event: SqsEvent, until: Instant) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        let messages: Vec<&SqsMessage> = event.records.iter().collect();
        let Err(error) = self.take(&messages, until).await else { return response };
        let groups = by_group(messages);
        let failed = match groups.len() {
            0 | 1 => groups,
            // One item that cannot be written to must not keep the others waiting.
            _ => self.failing(groups, until).await,
        };
        if !failed.is_empty() {
            tracing::warn!(items = failed.len(), "not archived: {error:#}");
        }
        let ids = failed.into_iter().flatten().filter_map(|message| message.message_id.clone());
        ids.for_each(|id| response.add_failure(id));
        response
    }

    /// Those that fail when each is taken by itself, all at once.
    async fn failing<'m>(&self, groups: Vec<Vec<&'m SqsMessage>>, until: Instant) -> Vec<Vec<&'m SqsMessage>> {
        let taking = groups.into_iter().map(async |group| match self.take(&group, until).await {
            Ok(()) => None,
            Err(_) => Some(group),
        });
        join_all(taking).await.into_iter().flatten().collect()
    }

    /// All of them, or none for certain.
    async fn take(&self, messages: &[&SqsMessage], until: Instant) -> anyhow::Result<()> {
        let (mut deliveries, mut unreadable) = (Vec::new(), Vec::new());
        for message in messages {
            match read(message) {
                Ok(delivery) => deliveries.push(delivery),
                Err(error) => unreadable.push(set_aside(message, &error)),
            }
        }
        let taking = tokio::time::timeout_at(until.into(), self.intake.take(&deliveries, unreadable));
        let taken = taking.await.context("out of time")??;
        report(&taken);
        // It stands in PostgreSQL. What is not done now is done by the reconciler, and with the next bid.
        let items: BTreeSet<ItemId> = deliveries.iter().map(|delivery| delivery.event().item_id.clone()).collect();
        let tidying = async {
            self.ledger
                .delete_from_outbox(&taken.stored.confirmed)
                .await
                .context("archived, and still in the outbox")?;
            self.trimmer.trim(&items.into_iter().collect::<Vec<_>>()).await.context("the logs are not trimmed")
        };
        if let Ok(Err(error)) = tokio::time::timeout_at(until.into(), tidying).await {
            tracing::warn!("{error:#}");
        }
        Ok(())
    }
}

fn report(taken: &Taken) {
    for finding in &taken.news {
        tracing::error!(source = finding.source, "set aside as {}: {}", finding.reason.as_str(), finding.detail);
    }
    // The others of the batch stood there already.
    tracing::info!(archived = taken.stored.archived, "archived");
}

fn read(message: &SqsMessage) -> Result<Delivery, Unreadable> {
    let outbox_id = message.message_attributes.get(OutboxId::HEADER).and_then(|value| value.string_value.as_deref());
    Delivery::read(body(message), outbox_id.and_then(OutboxId::parse))
}

fn set_aside(message: &SqsMessage, error: &Unreadable) -> SetAside {
    SetAside::unreadable(
        format!("SQS message {}", message.message_id.as_deref().unwrap_or_default()),
        error,
        body(message),
    )
}

fn body(message: &SqsMessage) -> &[u8] {
    message.body.as_deref().unwrap_or_default().as_bytes()
}

/// The messages of each item, in their order.
fn by_group(messages: Vec<&SqsMessage>) -> Vec<Vec<&SqsMessage>> {
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for message in messages {
        let group = message.attributes.get("MessageGroupId").map(String::as_str).unwrap_or_default();
        groups.entry(group).or_default().push(message);
    }
    groups.into_values().collect()
}
