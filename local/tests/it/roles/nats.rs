use std::time::Duration;

use async_nats::jetstream::{self, consumer, stream};
use async_nats::{Client, ConnectOptions, Event, Subscriber};
use futures_util::StreamExt;
use local::{Role, Server, testing};
use tokio::sync::mpsc;

const DEADLINE: Duration = Duration::from_secs(10);
const SUBJECT: &str = "bid_events.lot1";

/// A client with a role's password, and what the server refuses it.
struct Login {
    client: Client,
    refusals: mpsc::Receiver<String>,
}

impl Login {
    async fn new(nats: &Server, role: Role) -> Self {
        let (sender, refusals) = mpsc::channel(64);
        let options = ConnectOptions::with_user_and_password(role.as_str().to_owned(), nats.password_of(role))
            .custom_inbox_prefix(format!("_inbox.{}", role.as_str()))
            .request_timeout(Some(Duration::from_secs(2)))
            .event_callback(move |event| {
                if let Event::ServerError(error) = event {
                    let _ = sender.try_send(error.to_string().to_lowercase());
                }
                std::future::ready(())
            });
        Self { client: options.connect(nats.address()).await.unwrap(), refusals }
    }

    async fn is_refused(&mut self, what: &str, subject: &str) {
        let refusal = tokio::time::timeout(DEADLINE, self.refusals.recv())
            .await
            .unwrap_or_else(|_| panic!("{what} of {subject} was not refused"))
            .unwrap();
        assert!(refusal.contains("permissions violation") && refusal.contains(what), "{refusal}");
        assert!(refusal.contains(&subject.to_lowercase()), "{refusal}");
    }

    async fn may_not_publish(&mut self, subject: &str) {
        self.client.publish(subject.to_owned(), "forged".into()).await.unwrap();
        self.is_refused("publish", subject).await;
    }

    async fn may_not_subscribe(&mut self, subject: &str) {
        let _subscriber = self.client.subscribe(subject.to_owned()).await.unwrap();
        self.is_refused("subscription", subject).await;
    }
}

/// A server with the stream of the worker, and somebody who hears all events.
async fn with_stream() -> (Server, Login, Subscriber) {
    let nats = testing::nats().await;
    let operator = Login::new(&nats, Role::Operator).await;
    let config = stream::Config {
        name: "BID_EVENTS".to_owned(),
        subjects: vec!["bid_events.*".to_owned()],
        ..stream::Config::default()
    };
    jetstream::new(operator.client.clone()).create_stream(config).await.unwrap();
    let heard = operator.client.subscribe("bid_events.*").await.unwrap();
    operator.client.request("subscribed", "".into()).await.unwrap_err();
    (nats, operator, heard)
}

async fn stored(operator: &Login) -> u64 {
    let stream = jetstream::new(operator.client.clone()).get_stream("BID_EVENTS").await.unwrap();
    stream.cached_info().state.messages
}

/// Nothing has come by the time that something sent afterwards has come.
async fn nothing_was_told(operator: &Login, mut heard: Subscriber) {
    operator.client.publish(SUBJECT, "true".into()).await.unwrap();
    let first = tokio::time::timeout(DEADLINE, heard.next()).await.expect("an event").unwrap();
    assert_eq!(first.payload, "true", "a forged event was told");
    while stored(operator).await < 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stored(operator).await, 1, "a forged event was stored");
}

#[tokio::test]
async fn a_relay_hears_of_bids_and_cannot_forge_one() {
    let (nats, operator, heard) = with_stream().await;
    let mut relay = Login::new(&nats, Role::Relay).await;
    for subject in [SUBJECT, "$JS.API.STREAM.DELETE.BID_EVENTS", "$JS.API.STREAM.PURGE.BID_EVENTS", "anything"] {
        relay.may_not_publish(subject).await;
    }
    for subject in [">", "_inbox.worker.>", "_INBOX.>", "$JS.>", "$SYS.>"] {
        relay.may_not_subscribe(subject).await;
    }
    nothing_was_told(&operator, heard).await;
    let mut events = relay.client.subscribe("bid_events.*").await.unwrap();
    // What the relay asks to know that its subscription stands.
    let nobody = relay.client.request("relay.confirm", "".into()).await.unwrap_err();
    assert_eq!(nobody.kind(), async_nats::RequestErrorKind::NoResponders);
    operator.client.publish(SUBJECT, "an event".into()).await.unwrap();
    let event = tokio::time::timeout(DEADLINE, events.next()).await.expect("an event").unwrap();
    assert_eq!(event.payload, "an event");
}

#[tokio::test]
async fn the_functions_tell_of_bids_and_hear_nothing_and_leave_the_stream_alone() {
    let (nats, operator, mut heard) = with_stream().await;
    let mut functions = Login::new(&nats, Role::Functions).await;
    functions.client.publish(SUBJECT, "an event".into()).await.unwrap();
    functions.client.flush().await.unwrap();
    let event = tokio::time::timeout(DEADLINE, heard.next()).await.expect("an event").unwrap();
    assert_eq!(event.payload, "an event");
    for subject in [SUBJECT, "bid_events.*", ">", "_inbox.functions.x", "_inbox.worker.>", "$JS.>"] {
        functions.may_not_subscribe(subject).await;
    }
    for subject in [
        "$JS.API.STREAM.DELETE.BID_EVENTS",
        "$JS.API.STREAM.PURGE.BID_EVENTS",
        "$JS.ACK.BID_EVENTS.archival-worker.1",
        "bid_events.a.b",
    ] {
        functions.may_not_publish(subject).await;
    }
    assert_eq!(stored(&operator).await, 1);
}

#[tokio::test]
async fn the_worker_takes_from_its_stream_and_cannot_forge_an_event_or_delete_one() {
    let (nats, operator, heard) = with_stream().await;
    let mut worker = Login::new(&nats, Role::Worker).await;
    for subject in [
        SUBJECT,
        "$JS.API.STREAM.DELETE.BID_EVENTS",
        "$JS.API.STREAM.PURGE.BID_EVENTS",
        "$JS.API.STREAM.MSG.DELETE.BID_EVENTS",
        "$JS.API.STREAM.CREATE.OTHER",
        "$JS.API.CONSUMER.DELETE.BID_EVENTS.archival-worker",
        "$JS.ACK.BID_EVENTS.other.1.1.1.1.0",
        "relay.confirm",
    ] {
        worker.may_not_publish(subject).await;
    }
    for subject in ["bid_events.*", ">", "_inbox.relay.>", "_INBOX.>"] {
        worker.may_not_subscribe(subject).await;
    }
    nothing_was_told(&operator, heard).await;
    let stream = jetstream::new(worker.client.clone()).get_stream("BID_EVENTS").await.unwrap();
    let config = consumer::pull::Config { durable_name: Some("archival-worker".to_owned()), ..Default::default() };
    let mut messages = stream.create_consumer(config).await.unwrap().messages().await.unwrap();
    let message = tokio::time::timeout(DEADLINE, messages.next()).await.expect("a message").unwrap().unwrap();
    assert_eq!(message.payload, "true");
    message.double_ack().await.unwrap();
}

#[tokio::test]
async fn nobody_comes_in_without_a_password_and_the_monitoring_asks_for_none() {
    let nats = testing::nats().await;
    assert!(async_nats::connect(nats.address()).await.is_err());
    let of_another = nats.password_of(Role::Relay);
    let options = ConnectOptions::with_user_and_password("functions".to_owned(), of_another);
    assert!(options.connect(nats.address()).await.is_err());
    let response = reqwest::get(nats.monitor_url() + "/varz").await.unwrap();
    let varz = response.error_for_status().unwrap().text().await.unwrap();
    assert!(varz.contains("\"auth_required\": true"), "{varz}");
    for role in Role::ALL {
        assert!(!varz.contains(&nats.password_of(role)));
    }
}
