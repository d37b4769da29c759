//! The function that archives what the queue delivers.

use std::time::{Duration, Instant};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use functions::archive_bids::Archiver;
use ledger::Placed;
use local::{Role, Server, testing};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use crate::support::{TestApi, api_with, config};

struct Rig {
    postgres: Server,
    api: TestApi,
    archiver: Archiver,
}

impl Rig {
    async fn start() -> Self {
        let postgres = testing::postgres().await;
        archive::migrations::apply(&postgres.url().parse().unwrap()).await.unwrap();
        let api = api_with(|config| config.postgres_url = postgres.url_of(Role::Functions)).await;
        let mut config = config(&api.redis);
        config.redis_url = api.redis.url_of(Role::Worker);
        config.postgres_url = postgres.url_of(Role::Worker);
        config.log_kept = 5.try_into().unwrap();
        let archiver = Archiver::new(&config).unwrap();
        Self { postgres, api, archiver }
    }

    /// Accepts a bid, and answers what came of it.
    async fn bid(&self, item: &str, amount: f64) -> Placed {
        assert_eq!(self.api.bid(item, "alice", amount).await.status(), 201);
        let mut all = self.api.ledger.outbox_heads(1_000).await.unwrap();
        all.sort_by_key(|placed| placed.event.timestamp);
        all.into_iter().rfind(|placed| placed.event.item_id.as_str() == item).unwrap()
    }

    async fn archive(&self, messages: &[Value]) -> Vec<String> {
        let event: SqsEvent = serde_json::from_value(json!({ "Records": messages })).unwrap();
        failures(&self.archiver.archive(event, Instant::now() + Duration::from_secs(60)).await)
    }

    async fn count(&self, table: &str) -> i64 {
        let mut connection = PgConnection::connect(&self.postgres.url()).await.unwrap();
        let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
    }
}

fn failures(response: &SqsBatchResponse) -> Vec<String> {
    response.batch_item_failures.iter().map(|failure| failure.item_identifier.clone()).collect()
}

fn message(id: &str, group: &str, body: &str, outbox_id: Option<&Placed>) -> Value {
    let outbox_id = outbox_id.map(|placed| placed.outbox_id.to_string());
    let attributes = outbox_id.map(|id| json!({ "Outbox-Id": { "stringValue": id, "dataType": "String" } }));
    json!({
        "messageId": id, "receiptHandle": id, "body": body, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
        "attributes": { "MessageGroupId": group }, "messageAttributes": attributes.unwrap_or(json!({})),
    })
}

fn of(id: &str, placed: &Placed) -> Value {
    message(id, placed.event.item_id.as_str(), &placed.event.to_json(), Some(placed))
}

#[tokio::test]
async fn events_come_in_any_order_and_twice_and_stand_once_and_rubbish_beside_them_is_set_aside() {
    let rig = Rig::start().await;
    let (one, two, other) = (rig.bid("lot1", 1.0).await, rig.bid("lot1", 2.0).await, rig.bid("lot2", 1.0).await);
    let without_outbox_id = message("e", "lot2", &other.event.to_json(), None);
    let rubbish = [message("r1", "lot1", "not an event", None), message("r2", "lot1", "\u{0}", None)];
    let batch =
        [of("a", &two), of("b", &one), rubbish[0].clone(), of("c", &two), rubbish[1].clone(), without_outbox_id];
    assert_eq!(rig.archive(&batch).await, Vec::<String>::new());
    assert_eq!((rig.count("bids").await, rig.count("events").await, rig.count("quarantine").await), (3, 3, 2));
    assert_eq!(rig.api.ledger.outbox_length().await.unwrap(), 1, "whose place in the outbox nobody named");
    assert_eq!(rig.archive(&batch).await, Vec::<String>::new());
    assert_eq!((rig.count("bids").await, rig.count("quarantine").await), (3, 2));
    assert_eq!(rig.archive(&[of("d", &other)]).await, Vec::<String>::new());
    assert_eq!(rig.api.ledger.outbox_length().await.unwrap(), 0);
    assert_eq!(rig.archive(&[]).await, Vec::<String>::new());
}

#[tokio::test]
async fn without_postgres_every_message_comes_again() {
    let rig = Rig::start().await;
    let (one, other) = (rig.bid("lot1", 1.0).await, rig.bid("lot2", 1.0).await);
    rig.postgres.kill().await.unwrap();
    let batch = [of("a", &one), of("b", &other), message("r", "lot2", "rubbish", None)];
    let mut failed = rig.archive(&batch).await;
    failed.sort_unstable();
    assert_eq!(failed, ["a", "b", "r"]);
    assert_eq!(rig.api.ledger.outbox_length().await.unwrap(), 2);
    rig.postgres.start().await.unwrap();
    assert_eq!(rig.archive(&batch).await, Vec::<String>::new());
    assert_eq!((rig.count("bids").await, rig.count("quarantine").await), (2, 1));
    assert_eq!(rig.api.ledger.outbox_length().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_cannot_be_written_to_now_does_not_keep_the_others_waiting() {
    let rig = Rig::start().await;
    let first = rig.bid("lot1", 1.0).await;
    assert_eq!(rig.archive(&[of("a", &first)]).await, Vec::<String>::new());
    let (stuck, behind, other) = (rig.bid("lot1", 2.0).await, rig.bid("lot1", 3.0).await, rig.bid("lot2", 1.0).await);
    let mut connection = PgConnection::connect(&rig.postgres.url()).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM items WHERE item_id = 'lot1' FOR UPDATE").execute(&mut *transaction).await.unwrap();
    let batch = [of("b", &stuck), of("c", &other), of("d", &behind)];
    assert_eq!(rig.archive(&batch).await, ["b", "d"], "the first of the item and what is behind it");
    transaction.rollback().await.unwrap();
    assert_eq!(rig.count("bids").await, 2);
    assert_eq!(rig.archive(&batch).await, Vec::<String>::new());
    assert_eq!((rig.count("bids").await, rig.count("quarantine").await), (4, 0));
}

#[tokio::test]
async fn logs_are_kept_short() {
    let rig = Rig::start().await;
    for amount in 1..=10 {
        let placed = rig.bid("lot1", f64::from(amount)).await;
        assert_eq!(rig.archive(&[of("a", &placed)]).await, Vec::<String>::new());
    }
    let item = auction::ItemId::parse("lot1").unwrap();
    assert!(rig.api.ledger.log_lengths(&[item]).await.unwrap()[0] < 10);
    assert_eq!(rig.count("bids").await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_items_that_cannot_be_written_to_do_not_take_the_time_of_a_third() {
    let rig = Rig::start().await;
    let mut placed = Vec::new();
    for (id, item) in [("a", "lot1"), ("b", "lot2"), ("c", "lot3")] {
        let first = rig.bid(item, 1.0).await;
        assert_eq!(rig.archive(&[of("x", &first)]).await, Vec::<String>::new());
        placed.push(of(id, &rig.bid(item, 2.0).await));
    }
    let mut connection = PgConnection::connect(&rig.postgres.url()).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM items WHERE item_id IN ('lot1', 'lot2') FOR UPDATE")
        .execute(&mut *transaction)
        .await
        .unwrap();
    // As much as the function has.
    let event: SqsEvent = serde_json::from_value(json!({ "Records": placed })).unwrap();
    let mut failed = failures(&rig.archiver.archive(event, Instant::now() + Duration::from_secs(9)).await);
    failed.sort_unstable();
    assert_eq!(failed, ["a", "b"]);
}
