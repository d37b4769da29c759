//! A sandbox is frozen after its answer, so what was not sent by then is not sent.

use std::time::{Duration, Instant};

use auction::AuctionEvent;
use futures_util::StreamExt;
use local::{Name, Role, System, testing};
use serde_json::{Value, json};

/// Far above what any step takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(10);

const SERVERS: [Name; 5] = [Name::Redis, Name::Nats, Name::Postgres, Name::ArchivalWorker, Name::Api];

async fn bid(system: &System, amount: u64) -> (u16, Value) {
    let url = format!("{}/api/v1/items/lot1/bid", system.api_url());
    let request = reqwest::Client::new().post(url).json(&json!({ "user_id": "alice", "amount": amount }));
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn until_ready(system: &System) {
    let url = format!("{}/ready", system.api_url());
    let ready = async { while reqwest::get(&url).await.unwrap().status() != 200 {} };
    tokio::time::timeout(DEADLINE, ready).await.expect("bids are open again");
}

#[tokio::test]
async fn a_sandbox_that_was_frozen_while_redis_restarted_judges_its_next_bid() {
    let system = testing::system_of(&SERVERS).await;
    for amount in 1..=3 {
        assert_eq!(bid(&system, amount).await.0, 201);
        let answered = Instant::now();
        system.server("bidding-redis").kill().await.unwrap();
        system.server("bidding-redis").start().await.unwrap();
        until_ready(&system).await;
        // A connection used within the last second is trusted.
        tokio::time::sleep((answered + Duration::from_millis(1_100)) - Instant::now()).await;
    }
    let (status, answer) = bid(&system, 4).await;
    assert_eq!((status, &answer["seq"]), (201, &json!(4)), "{answer}");
}

#[tokio::test]
async fn the_event_of_an_accepted_bid_has_left_when_the_sandbox_is_frozen() {
    let system = testing::system_of(&SERVERS).await;
    let nats = system.server("nats");
    let login =
        async_nats::ConnectOptions::with_user_and_password("operator".to_owned(), nats.password_of(Role::Operator));
    let client = login.connect(nats.address()).await.unwrap();
    let mut events = client.subscribe("bid_events.*").await.unwrap();
    // Nobody answers, which the server says after it has taken the subscription.
    client.request("subscribed", "".into()).await.unwrap_err();
    // The first is that of a cold sandbox, which has no connection yet.
    for amount in 1..=20 {
        let (_, answer) = bid(&system, amount).await;
        let frozen = async {
            while !matches!(testing::sandboxes(&system, "place-bid")[..], [(_, 'T')]) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, frozen).await.expect("the sandbox is frozen");
        // And no other event thaws it.
        let message = tokio::time::timeout(DEADLINE, events.next()).await.expect("the event is told").unwrap();
        let event = AuctionEvent::from_json(&message.payload).unwrap();
        assert_eq!(event.event_id.to_string(), answer["event_id"].as_str().unwrap());
    }
}
