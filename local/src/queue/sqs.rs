//! The client of SQS: makes the queues of the template, receives and deletes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName};
use aws_smithy_http_client::Builder;

use super::{CREDENTIAL, REGION, arn, url};
use crate::lambda::template::Queue;

/// How long LocalStack waits for messages before it says that there are none.
const WAIT_S: i32 = 2;
/// For any answer, that waiting included.
const DEADLINE: Duration = Duration::from_secs(10);

pub(super) struct Sqs {
    client: Client,
    endpoint: String,
}

impl Sqs {
    pub(super) fn new(endpoint: String) -> Self {
        Self { client: client(&endpoint), endpoint }
    }

    /// Makes the queues that are missing; LocalStack forgets them all when it ends.
    pub(super) async fn create(&self, queues: &BTreeMap<String, Queue>) -> Result<()> {
        // A dead-letter queue comes before the one that refers to it.
        let (referring, others): (Vec<_>, Vec<_>) = queues.values().partition(|queue| queue.redrive.is_some());
        for queue in others.into_iter().chain(referring) {
            let mut creation = self.client.create_queue().queue_name(&queue.name);
            for (name, value) in attributes(queue, queues)? {
                creation = creation.attributes(QueueAttributeName::from(name.as_str()), value);
            }
            creation.send().await.map_err(anyhow::Error::from).with_context(|| format!("the queue {}", queue.name))?;
        }
        Ok(())
    }

    /// The next messages; none if there are none for a while. `None`: there is no such queue.
    pub(super) async fn receive(&self, queue: &str, count: u32) -> Result<Option<Vec<Message>>> {
        let received = self
            .client
            .receive_message()
            .queue_url(url(&self.endpoint, queue))
            .max_number_of_messages(count.try_into()?)
            .wait_time_seconds(WAIT_S)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All");
        match received.send().await {
            Ok(received) => Ok(Some(received.messages.unwrap_or_default())),
            Err(error)
                if error
                    .code()
                    .is_some_and(|code| code.ends_with("NonExistentQueue") || code == "QueueDoesNotExist") =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn delete(&self, queue: &str, messages: &[&Message]) -> Result<()> {
        // One may be there twice.
        let handles: BTreeSet<_> = messages.iter().filter_map(|message| message.receipt_handle.clone()).collect();
        if handles.is_empty() {
            return Ok(());
        }
        let entry = |(index, handle): (usize, String)| {
            DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(handle).build()
        };
        let entries = handles.into_iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
        self.client
            .delete_message_batch()
            .queue_url(url(&self.endpoint, queue))
            .set_entries(Some(entries))
            .send()
            .await?;
        Ok(())
    }
}

pub(super) fn client(endpoint: &str) -> Client {
    let timeouts = TimeoutConfig::builder().operation_timeout(DEADLINE).build();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(CREDENTIAL, CREDENTIAL, None, None, "local"))
        .http_client(Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .endpoint_url(endpoint)
        .build();
    Client::from_conf(config)
}

fn attributes(queue: &Queue, all: &BTreeMap<String, Queue>) -> Result<BTreeMap<String, String>> {
    let mut attributes = queue.attributes.clone();
    if let Some(redrive) = &queue.redrive {
        let target = all.get(&redrive.target).with_context(|| format!("there is no queue {}", redrive.target))?;
        let policy =
            serde_json::json!({ "deadLetterTargetArn": arn(&target.name), "maxReceiveCount": redrive.receives_max });
        attributes.insert("RedrivePolicy".to_owned(), policy.to_string());
    }
    Ok(attributes)
}
