//! The archive's queue, of which bids do not depend.

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Config, Credentials, Region},
    types::{Message, MessageSystemAttributeName, QueueAttributeName},
};
use functions::QueueConfig;
use local::{Server, testing};

use crate::support::{TestApi, api_with};

struct Queue {
    server: Server,
    client: Client,
    url: String,
}

impl Queue {
    async fn start() -> Self {
        let server = testing::localstack().await;
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(server.url())
            .build();
        let url = format!("{}/000000000000/events.fifo", server.url());
        let queue = Self { server, client: Client::from_conf(config), url };
        queue.create().await;
        queue
    }

    async fn create(&self) {
        let creation = self.client.create_queue().queue_name("events.fifo");
        creation.attributes(QueueAttributeName::FifoQueue, "true").send().await.unwrap();
    }

    /// Bids are accepted, and wait so long for what came of them to be in the queue.
    async fn api(&self, deadline: Duration) -> TestApi {
        let queue = QueueConfig {
            url: self.url.clone(),
            endpoint: Some(self.server.url()),
            region: "us-east-1".to_owned(),
            credentials: credentials(),
            deadline,
        };
        api_with(|config| config.queue = Some(queue)).await
    }

    /// What is there, taken out.
    async fn take(&self) -> Vec<Message> {
        let mut all = Vec::new();
        loop {
            let reception = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
            let reception = reception.message_system_attribute_names(MessageSystemAttributeName::All);
            let messages = reception.message_attribute_names("All").send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return all;
            }
            for message in messages {
                let deletion = self.client.delete_message().queue_url(&self.url);
                deletion.receipt_handle(message.receipt_handle.clone().unwrap()).send().await.unwrap();
                all.push(message);
            }
        }
    }
}

fn credentials() -> Credentials {
    Credentials::new("test", "test", None, None, "test")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_bid_is_in_the_queue_once_with_its_item_its_position_and_its_place_in_the_outbox() {
    let queue = Queue::start().await;
    let api = queue.api(Duration::from_secs(10)).await;
    for (item, amount, status) in [("lot1", 5.0, 201), ("lot1", 5.0, 200), ("lot2", 1.0, 201), ("lot1", 6.0, 201)] {
        assert_eq!(api.bid(item, "alice", amount).await.status(), status);
    }
    let mut expected: Vec<_> = api.ledger.outbox_heads(10).await.unwrap();
    expected.sort_by(|one, other| one.event.item_id.cmp(&other.event.item_id));
    let mut found = queue.take().await;
    let attribute = |message: &Message, name| message.attributes.as_ref().unwrap()[&name].clone();
    found.sort_by_key(|message| attribute(message, MessageSystemAttributeName::MessageGroupId));
    assert_eq!(found.len(), 3);
    for (message, placed) in found.iter().zip(expected) {
        assert_eq!(message.body.as_deref(), Some(placed.event.to_json().as_str()));
        assert_eq!(attribute(message, MessageSystemAttributeName::MessageGroupId), placed.event.item_id.as_str());
        let (item, position) = (&placed.event.item_id, placed.event.position);
        let id = format!("{item}:{}:{}", position.epoch, position.seq);
        assert_eq!(attribute(message, MessageSystemAttributeName::MessageDeduplicationId), id);
        let outbox_id = &message.message_attributes.as_ref().unwrap()["Outbox-Id"];
        assert_eq!(outbox_id.string_value, Some(placed.outbox_id.to_string()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bids_are_accepted_while_sqs_is_away_and_wait_in_the_outbox() {
    let queue = Queue::start().await;
    let api = queue.api(Duration::from_secs(10)).await;
    queue.server.kill().await.unwrap();
    for amount in 1..=10 {
        assert_eq!(api.bid("lot1", "alice", f64::from(amount)).await.status(), 201);
    }
    queue.server.start().await.unwrap();
    // It has forgotten the queue. That is no worse than being away.
    for amount in 11..=20 {
        assert_eq!(api.bid("lot1", "alice", f64::from(amount)).await.status(), 201);
    }
    assert_eq!(api.ledger.outbox_length().await.unwrap(), 20);
    queue.create().await;
    let mut amount = 20;
    let mut found = Vec::new();
    // An attempt in the background finds that it is back, and from then on bids wait for it again.
    while found.len() < 2 {
        amount += 1;
        assert!(amount < 600, "no bid gets into the queue");
        assert_eq!(api.bid("lot1", "alice", f64::from(amount)).await.status(), 201);
        tokio::time::sleep(Duration::from_millis(50)).await;
        found.extend(queue.take().await);
    }
    assert_eq!(api.ledger.outbox_length().await.unwrap(), amount as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn bids_are_accepted_while_sqs_hangs() {
    let queue = Queue::start().await;
    let api = queue.api(Duration::from_millis(20)).await;
    queue.server.pause().unwrap();
    for amount in 1..=50 {
        assert_eq!(api.bid("lot1", "alice", f64::from(amount)).await.status(), 201);
    }
    queue.server.resume().unwrap();
    assert_eq!(api.ledger.outbox_length().await.unwrap(), 50);
}
