//! SQS on this machine: the queues of `infra/template.yaml`, which LocalStack keeps, and the event source mapping, which
//! carries their messages to a function as Lambda does.

mod event;
mod faults;
mod mapping;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName};
use aws_smithy_http_client::Builder;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

pub(crate) use self::faults::Faults;
pub(crate) use self::mapping::{Mapping, Target};
use crate::config::Addresses;
use crate::lambda::template::{self, Template};

/// LocalStack takes any; these it takes for the account of the queues.
const CREDENTIAL: &str = "test";
const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";
/// Of the events, as the template calls it in the stack `local`.
const BID_EVENTS: &str = "local-bid-events.fifo";

/// How long LocalStack waits for messages before it says that there are none.
const WAIT_S: i32 = 2;
/// For any answer, that waiting included.
const DEADLINE: Duration = Duration::from_secs(10);
/// After a failure.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// What our processes find it by.
pub(crate) fn environment(addresses: &Addresses) -> Vec<(&'static str, String)> {
    let endpoint = addresses.sqs_url();
    vec![
        ("ARCHIVE", "sqs".to_owned()),
        ("BID_EVENTS_QUEUE_URL", url(&endpoint, BID_EVENTS)),
        ("AWS_ENDPOINT_URL_SQS", endpoint),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", CREDENTIAL.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", CREDENTIAL.to_owned()),
    ]
}

fn url(endpoint: &str, queue: &str) -> String {
    format!("{endpoint}/{ACCOUNT}/{queue}")
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")
}

/// Carries messages to the functions under `cargo lambda watch`, which has no event sources, until `shutdown`.
pub(crate) async fn serve_watch(root: &Path, addresses: &Addresses, shutdown: CancellationToken) -> Result<()> {
    let mut parameters = crate::config::parameters()?;
    parameters.insert("Archive".to_owned(), "sqs".to_owned());
    let template = Template::read(&root.join("infra/template.yaml"), &parameters)?;
    let client = reqwest::Client::new();
    let mut mappings = Vec::new();
    for function in &template.functions {
        for source in &function.queues {
            let url = format!("{}/2015-03-31/functions/{}/invocations", addresses.api_url(), function.binary);
            let target = Target::Url { client: client.clone(), url };
            mappings.push(Mapping::new(source, &template, addresses.sqs_url(), target)?);
        }
    }
    join_all(mappings.into_iter().map(|mapping| mapping.keep(shutdown.clone()))).await;
    Ok(())
}

struct Sqs {
    client: aws_sdk_sqs::Client,
    endpoint: String,
}

impl Sqs {
    fn new(endpoint: String) -> Self {
        let timeouts = TimeoutConfig::builder().operation_timeout(DEADLINE).build();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new(CREDENTIAL, CREDENTIAL, None, None, "local"))
            .http_client(Builder::new().build_http())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .endpoint_url(&endpoint)
            .build();
        Self { client: aws_sdk_sqs::Client::from_conf(config), endpoint }
    }

    /// Makes the queues that are missing; LocalStack forgets them all when it ends.
    async fn create(&self, queues: &BTreeMap<String, template::Queue>) -> Result<()> {
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
    async fn receive(&self, queue: &str, count: u32) -> Result<Option<Vec<Message>>> {
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

    async fn delete(&self, queue: &str, messages: &[&Message]) -> Result<()> {
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

fn attributes(queue: &template::Queue, all: &BTreeMap<String, template::Queue>) -> Result<BTreeMap<String, String>> {
    let mut attributes = queue.attributes.clone();
    if let Some(redrive) = &queue.redrive {
        let target = all.get(&redrive.target).with_context(|| format!("there is no queue {}", redrive.target))?;
        let policy =
            serde_json::json!({ "deadLetterTargetArn": arn(&target.name), "maxReceiveCount": redrive.receives_max });
        attributes.insert("RedrivePolicy".to_owned(), policy.to_string());
    }
    Ok(attributes)
}
