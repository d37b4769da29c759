//! What a real SQS and the mapping do together with a function that fails.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::sqs::client;
use super::{Mapping, Target, arn, url};
use crate::lambda::template::Template;
use crate::server::Server;
use crate::testing;

const TEMPLATE: &str = r#"
Parameters:
  VisibilityTimeout: { Type: Number }
Resources:
  Events:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: events.fifo
      FifoQueue: true
      DeduplicationScope: messageGroup
      FifoThroughputLimit: perMessageGroupId
      VisibilityTimeout: !Ref VisibilityTimeout
      RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3 }
  Dead:
    Type: AWS::SQS::Queue
    Properties: { QueueName: dead.fifo, FifoQueue: true }
  Function:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: function } }
    Properties:
      Events:
        Event:
          Type: SQS
          Properties: { Queue: !GetAtt Events.Arn, FunctionResponseTypes: [ReportBatchItemFailures] }
"#;
/// Long enough for an answer on a busy machine, and waited for by the test.
const SHORT_S: u32 = 3;
/// Longer than any test.
const LONG_S: u32 = 600;

/// The function: it reports the first message of a group whose body begins with `bad`, and all behind it.
#[derive(Default)]
struct Function {
    seen: Mutex<Vec<Seen>>,
    crashes: AtomicBool,
    is_mended: AtomicBool,
}

#[derive(Clone)]
struct Seen {
    group: String,
    body: String,
    receives: u32,
    handle: String,
}

async fn invoke(State(function): State<Arc<Function>>, event: Bytes) -> (StatusCode, Json<Value>) {
    let event: Value = serde_json::from_slice(&event).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let crashes = function.crashes.load(Ordering::SeqCst);
    let (mut failed_groups, mut failures) = (Vec::new(), Vec::new());
    for record in event["Records"].as_array().unwrap() {
        let attributes = &record["attributes"];
        let seen = Seen {
            group: text(&attributes["MessageGroupId"]),
            body: text(&record["body"]),
            receives: text(&attributes["ApproximateReceiveCount"]).parse().unwrap(),
            handle: text(&record["receiptHandle"]),
        };
        let is_bad = seen.body.starts_with("bad") && !function.is_mended.load(Ordering::SeqCst);
        if is_bad || failed_groups.contains(&seen.group) {
            failed_groups.push(seen.group.clone());
            failures.push(json!({ "itemIdentifier": record["messageId"] }));
        }
        function.seen.lock().unwrap().push(seen);
    }
    match crashes {
        true => (StatusCode::INTERNAL_SERVER_ERROR, Json(Value::Null)),
        false => (StatusCode::OK, Json(json!({ "batchItemFailures": failures }))),
    }
}

struct Stage {
    function: Arc<Function>,
    client: Client,
    mappings: Vec<Mapping>,
    shutdown: CancellationToken,
    _end: DropGuard,
    localstack: Server,
}

impl Stage {
    /// The queues, and nobody yet who takes something out of them.
    async fn start(visibility_timeout_s: u32) -> Self {
        let localstack = testing::localstack().await;
        let function = Arc::new(Function::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target_url = format!("http://{}/", listener.local_addr().unwrap());
        let routes = Router::new().route("/", post(invoke)).with_state(Arc::clone(&function));
        let shutdown = CancellationToken::new();
        let served = axum::serve(listener, routes).with_graceful_shutdown(shutdown.clone().cancelled_owned());
        tokio::spawn(served.into_future());
        let parameters = BTreeMap::from([("VisibilityTimeout".to_owned(), visibility_timeout_s.to_string())]);
        let template = Template::parse(TEMPLATE, &parameters).unwrap();
        let target = Target::Url { client: reqwest::Client::new(), url: target_url };
        let mappings = Mapping::of_all(&template, &localstack.url(), [target]).unwrap();
        mappings[0].prepare().await;
        let (client, end) = (client(&localstack.url()), shutdown.clone().drop_guard());
        Self { function, client, mappings, shutdown, _end: end, localstack }
    }

    async fn send(&self, messages: &[(&str, &str)]) {
        for (group, body) in messages {
            let message = self.client.send_message().queue_url(self.url("events.fifo")).message_body(*body);
            message.message_group_id(*group).message_deduplication_id(*body).send().await.unwrap();
        }
    }

    /// From now on the function gets the messages.
    fn carry(&mut self) {
        for mapping in self.mappings.drain(..) {
            tokio::spawn(mapping.keep(self.shutdown.clone()));
        }
    }

    fn url(&self, queue: &str) -> String {
        url(&self.localstack.url(), queue)
    }

    /// How many wait in the queue, and how many are in flight.
    async fn counts(&self, queue: &str) -> (String, String) {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let attributes = self.client.get_queue_attributes().queue_url(self.url(queue));
        let attributes = attributes.set_attribute_names(Some(names.to_vec())).send().await.unwrap().attributes.unwrap();
        let [waiting, in_flight] = names.map(|name| attributes[&name].clone());
        (waiting, in_flight)
    }

    async fn until_counts(&self, queue: &str, waiting: u32, in_flight: u32) {
        let wanted = (waiting.to_string(), in_flight.to_string());
        self.until(&format!("{queue} has {wanted:?}"), async || self.counts(queue).await == wanted).await;
    }

    async fn until_seen(&self, count: usize) {
        self.until("the function has seen them", async || self.function.seen("").len() == count).await;
    }

    async fn until(&self, what: &str, condition: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !condition().await {
            let seen = self.function.seen("");
            assert!(Instant::now() < deadline, "it did not come to this: {what}; the function saw {seen:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a message would be back that is in flight from now on, for two seconds.
    async fn until_another_is_back(&self) {
        let dead = self.url("dead.fifo");
        let message = self.client.send_message().queue_url(&dead).message_body("another").message_group_id("another");
        message.message_deduplication_id("another").send().await.unwrap();
        self.client.receive_message().queue_url(dead).visibility_timeout(2).send().await.unwrap();
        self.until_counts("dead.fifo", 0, 1).await;
        self.until_counts("dead.fifo", 1, 0).await;
    }

    /// Ends the time for which a message is in flight.
    async fn show_again(&self, message: &Seen) {
        let change = self.client.change_message_visibility().queue_url(self.url("events.fifo"));
        change.receipt_handle(&message.handle).visibility_timeout(0).send().await.unwrap();
    }
}

impl Function {
    /// The messages of a group, or of all, in their order, with how often each had been received.
    fn seen(&self, group: &str) -> Vec<(String, u32)> {
        let seen = self.seen.lock().unwrap();
        let of_group = seen.iter().filter(|message| group.is_empty() || message.group == group);
        of_group.map(|message| (message.body.clone(), message.receives)).collect()
    }

    fn of_body(&self, body: &str) -> Seen {
        self.seen.lock().unwrap().iter().find(|message| message.body == body).unwrap().clone()
    }
}

#[track_caller]
fn are(seen: &[(String, u32)], expected: &[(&str, u32)]) {
    assert_eq!(seen.iter().map(|(body, receives)| (body.as_str(), *receives)).collect::<Vec<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_failed_message_is_in_flight_its_group_waits_behind_it_and_no_other_does() {
    let mut stage = Stage::start(LONG_S).await;
    stage.send(&[("a", "a1"), ("a", "bad"), ("b", "b1")]).await;
    stage.carry();
    stage.until_counts("events.fifo", 0, 1).await;
    stage.send(&[("a", "a2"), ("b", "b2")]).await;
    stage.until_counts("events.fifo", 1, 1).await;
    stage.until_another_is_back().await;
    are(&stage.function.seen("a"), &[("a1", 1), ("bad", 1)]);
    are(&stage.function.seen("b"), &[("b1", 1), ("b2", 1)]);

    stage.function.is_mended.store(true, Ordering::SeqCst);
    stage.show_again(&stage.function.of_body("bad")).await;
    stage.until_counts("events.fifo", 0, 0).await;
    are(&stage.function.seen("a"), &[("a1", 1), ("bad", 1), ("bad", 2), ("a2", 1)]);
    are(&stage.function.seen("b"), &[("b1", 1), ("b2", 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_three_times_is_a_dead_letter_and_can_be_sent_back() {
    let mut stage = Stage::start(SHORT_S).await;
    stage.send(&[("a", "a1"), ("a", "bad"), ("a", "behind"), ("b", "b1")]).await;
    stage.carry();
    stage.until_counts("dead.fifo", 2, 0).await;
    // Its group is free again.
    stage.send(&[("a", "a2")]).await;
    stage.until_counts("events.fifo", 0, 0).await;
    let failed = [("bad", 1), ("behind", 1), ("bad", 2), ("behind", 2), ("bad", 3), ("behind", 3)];
    let expected = [&[("a1", 1)], &failed[..], &[("a2", 1)]].concat();
    are(&stage.function.seen("a"), &expected);
    are(&stage.function.seen("b"), &[("b1", 1)]);

    stage.function.is_mended.store(true, Ordering::SeqCst);
    // LocalStack keeps their deduplication ids, by which it would drop them for five minutes. SQS gives them new ones.
    stage.client.purge_queue().queue_url(stage.url("events.fifo")).send().await.unwrap();
    stage.client.start_message_move_task().source_arn(arn("dead.fifo")).send().await.unwrap();
    stage.until_counts("dead.fifo", 0, 0).await;
    stage.until_counts("events.fifo", 0, 0).await;
    let bodies: Vec<_> = stage.function.seen("a").into_iter().map(|(body, _)| body).collect();
    assert_eq!(bodies[expected.len()..], ["bad", "behind"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_function_itself_fails_the_whole_batch_comes_again() {
    let mut stage = Stage::start(SHORT_S).await;
    stage.send(&[("a", "a1"), ("a", "a2"), ("b", "b1")]).await;
    stage.function.crashes.store(true, Ordering::SeqCst);
    stage.carry();
    stage.until_seen(3).await;
    stage.function.crashes.store(false, Ordering::SeqCst);
    stage.until_counts("events.fifo", 0, 0).await;
    are(&stage.function.seen("a"), &[("a1", 1), ("a2", 1), ("a1", 2), ("a2", 2)]);
    are(&stage.function.seen("b"), &[("b1", 1), ("b1", 2)]);
    assert_eq!(stage.counts("dead.fifo").await, ("0".to_owned(), "0".to_owned()));
}
