//! What leaves for NATS.

use std::{collections::HashSet, time::Duration};

use async_nats::Subscriber;
use futures_util::StreamExt;
use ledger::OutboxId;
use local::{Role, Server, testing};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{TestApi, api_with, parts};

const DEADLINE: Duration = Duration::from_secs(10);

async fn subscriber(nats: &Server) -> Subscriber {
    let login =
        async_nats::ConnectOptions::with_user_and_password("operator".to_owned(), nats.password_of(Role::Operator));
    let client = login.connect(nats.address()).await.unwrap();
    let subscriber = client.subscribe("bid_events.*").await.unwrap();
    // Nobody answers, which the server says after it has taken the subscription. A flush only sends it.
    client.request("subscribed", "".into()).await.unwrap_err();
    subscriber
}

async fn next(subscriber: &mut Subscriber) -> async_nats::Message {
    tokio::time::timeout(DEADLINE, subscriber.next()).await.expect("an event in time").expect("an event")
}

async fn next_seq(subscriber: &mut Subscriber) -> u64 {
    auction::AuctionEvent::from_json(&next(subscriber).await.payload).unwrap().position.seq
}

async fn until_connected(api: &TestApi) {
    let connected = async {
        while parts(api.get("/ready").await).await.2["nats"] != "up" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, connected).await.expect("NATS is noticed");
}

/// An API that has found NATS, and who listens there.
async fn listening() -> (Server, TestApi, Subscriber) {
    let nats = testing::nats().await;
    let api = api_with(|config| config.nats_url = nats.url_of(Role::Functions)).await;
    until_connected(&api).await;
    let events = subscriber(&nats).await;
    (nats, api, events)
}

#[tokio::test]
async fn the_same_bytes_are_published_listed_and_held_in_the_outbox() {
    let (_nats, api, mut events) = listening().await;
    api.bid("lot1", "alice", 100.01).await;
    let message = next(&mut events).await;
    assert_eq!(message.subject.as_str(), "bid_events.lot1");

    let item = auction::ItemId::parse("lot1").unwrap();
    let log = api.ledger.events_after(&item, auction::Position::default(), 10).await.unwrap().events;
    assert_eq!(message.payload, log[0].to_json().as_bytes());
    let outbox = api.ledger.outbox_heads(10).await.unwrap();
    assert_eq!(message.payload, outbox[0].event.to_json().as_bytes());
    let header = message.headers.unwrap().get(OutboxId::HEADER).unwrap().as_str().to_owned();
    assert_eq!(OutboxId::parse(&header).as_ref(), Some(&outbox[0].outbox_id));
}

#[tokio::test]
async fn a_refused_bid_is_not_published() {
    let (_nats, api, mut events) = listening().await;
    for amount in [5.0, 4.0, 6.0] {
        api.bid("lot1", "alice", amount).await;
    }
    assert_eq!([next_seq(&mut events).await, next_seq(&mut events).await], [1, 2]);
}

#[tokio::test]
async fn what_is_sent_again_under_its_key_is_not_published_again() {
    let (_nats, api, mut events) = listening().await;
    for (key, amount) in [("first", 5), ("first", 5), ("second", 6)] {
        let bid = api.client.post(format!("{}/api/v1/items/lot1/bid", api.url)).header("Idempotency-Key", key);
        let answer = bid.json(&serde_json::json!({ "user_id": "alice", "amount": amount })).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{key}");
    }
    assert_eq!([next_seq(&mut events).await, next_seq(&mut events).await], [1, 2]);
}

#[tokio::test]
async fn bids_go_on_while_nats_is_frozen_or_dead_and_are_told_again_after_its_return() {
    let nats = testing::nats().await;
    let api = api_with(|config| config.nats_url = nats.url_of(Role::Functions)).await;
    until_connected(&api).await;
    let mut amount = 0.0;
    let mut bid = || {
        amount += 1.0;
        api.bid("lot1", "alice", amount)
    };
    nats.pause().unwrap();
    for _ in 0..20 {
        assert_eq!(bid().await.status(), 201);
    }
    nats.kill().await.unwrap();
    for _ in 0..20 {
        assert_eq!(bid().await.status(), 201);
    }
    nats.start().await.unwrap();
    let mut events = subscriber(&nats).await;
    until_connected(&api).await;
    assert_eq!(bid().await.status(), 201);
    let told = async {
        loop {
            let event = auction::AuctionEvent::from_json(&next(&mut events).await.payload).unwrap();
            if event.position.seq == 41 {
                return;
            }
        }
    };
    tokio::time::timeout(DEADLINE, told).await.expect("bids are told again");
}

#[tokio::test]
async fn a_bidder_who_hangs_up_does_not_keep_an_accepted_bid_from_being_told() {
    let (_nats, api, mut events) = listening().await;
    let body = r#"{"user_id":"alice","amount":1}"#;
    for number in 0..50 {
        let head = format!("POST /api/v1/items/lot{number}/bid HTTP/1.1\r\nHost: x\r\nContent-Type: application/json");
        let request = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let mut stream = TcpStream::connect(api.url.trim_start_matches("http://")).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        // Gone without having read the answer.
    }
    let mut told = HashSet::new();
    let accepted = async {
        loop {
            let accepted = api.ledger.outbox_heads(100).await.unwrap();
            while let Ok(Some(message)) = tokio::time::timeout(Duration::from_millis(100), events.next()).await {
                told.insert(message.subject.to_string());
            }
            if !accepted.is_empty()
                && accepted.len() == told.len()
                && accepted.len() == api.ledger.outbox_length().await.unwrap() as usize
            {
                return accepted.len();
            }
        }
    };
    let accepted = tokio::time::timeout(DEADLINE, accepted).await.expect("every accepted bid is told");
    assert!(accepted > 0);
}
