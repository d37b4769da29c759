//! The event source mapping: polls a queue, invokes the function with what comes, and deletes what it has dealt with.
//!
//! What it has not dealt with stays in flight until its visibility timeout ends, comes again, and after so many times goes
//! to the dead-letter queue: that is done by SQS. While messages of a group are in flight, SQS keeps the later ones back.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_sqs::types::Message;
use bytes::Bytes;
use futures_util::future::join_all;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::event;
use super::faults::Faults;
use super::sqs::Sqs;
use crate::lambda::template::{Queue, QueueSource, Template};
use crate::lambda::{self, Sandboxes};

/// After a failure.
const RETRY_DELAY: Duration = Duration::from_millis(500);

pub(crate) struct Mapping {
    sqs: Sqs,
    /// All of the template: they are made again together.
    queues: BTreeMap<String, Queue>,
    /// The name of the queue.
    queue: String,
    source: QueueSource,
    target: Target,
    faults: Faults,
}

/// How the function is invoked.
#[derive(Clone)]
pub(crate) enum Target {
    Sandboxes(Sandboxes),
    /// Under `cargo lambda watch`.
    Url {
        client: reqwest::Client,
        url: String,
    },
}

impl Mapping {
    /// One for each queue of each function; the targets are in the order of the functions.
    pub(crate) fn of_all(
        template: &Template,
        endpoint: &str,
        targets: impl IntoIterator<Item = Target>,
    ) -> Result<Vec<Self>> {
        let mut mappings = Vec::new();
        for (function, target) in template.functions.iter().zip(targets) {
            for source in &function.queues {
                mappings.push(Self::new(source, template, endpoint, target.clone())?);
            }
        }
        Ok(mappings)
    }

    fn new(source: &QueueSource, template: &Template, endpoint: &str, target: Target) -> Result<Self> {
        let queue =
            template.queues.get(&source.queue).with_context(|| format!("there is no queue {}", source.queue))?;
        let (queue, queues) = (queue.name.clone(), template.queues.clone());
        let (sqs, source, faults) = (Sqs::new(endpoint.to_owned()), source.clone(), Faults::default());
        Ok(Self { sqs, queues, queue, source, target, faults })
    }

    pub(crate) fn with(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// Makes the queues before anybody sends. It is tried again later if it fails.
    pub(crate) async fn prepare(&self) {
        if let Err(error) = self.sqs.create(&self.queues).await {
            lambda::tell(format_args!("the queue {}: {error:#}", self.queue));
        }
    }

    /// Carries messages until `shutdown`, so many batches at once as the template says.
    pub(crate) async fn keep(self, shutdown: CancellationToken) {
        let pollers = (0..self.source.concurrency).map(|_| self.poll(&shutdown));
        join_all(pollers).await;
    }

    async fn poll(&self, shutdown: &CancellationToken) {
        while let Some(received) = shutdown.run_until_cancelled(self.receive()).await {
            let done = match received {
                Ok(messages) if messages.is_empty() => Ok(()),
                Ok(messages) => self.carry(&messages).await,
                Err(error) => Err(error),
            };
            if let Err(error) = done {
                lambda::tell(format_args!("the queue {}: {error:#}", self.queue));
                let _ = shutdown.run_until_cancelled(sleep(RETRY_DELAY)).await;
            }
        }
    }

    async fn receive(&self) -> Result<Vec<Message>> {
        match self.sqs.receive(&self.queue, self.source.batch_size).await? {
            Some(messages) => Ok(messages),
            None => self.sqs.create(&self.queues).await.map(|()| Vec::new()),
        }
    }

    async fn carry(&self, messages: &[Message]) -> Result<()> {
        let messages = self.faults.spared(messages);
        if messages.is_empty() {
            return Ok(());
        }
        let answer = self.target.invoke(event::event(&self.queue, &messages)).await?;
        let dealt_with = event::dealt_with(&messages, &answer, self.source.reports_failures);
        self.sqs.delete(&self.queue, &dealt_with).await.context("what was dealt with comes again")
    }
}

impl Target {
    /// The function's answer; an error if it failed.
    async fn invoke(&self, event: Bytes) -> Result<Bytes> {
        match self {
            Self::Sandboxes(sandboxes) => sandboxes.invoke(event).await,
            Self::Url { client, url } => {
                let answer = client.post(url).body(event).send().await?;
                let has_failed = answer.headers().contains_key("x-amz-function-error");
                let answer = answer.error_for_status()?.bytes().await?;
                ensure!(!has_failed, "the function failed: {}", String::from_utf8_lossy(&answer));
                Ok(answer)
            }
        }
    }
}
