//! Many items over one connection.

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use crate::client;
use crate::stage::{Stage, frames, until};

struct Many(WebSocketStream<TcpStream>);

impl Many {
    async fn connect(stage: &Stage) -> Self {
        Self(client::open(stage.relay.address, "/ws").await)
    }

    async fn say(&mut self, text: impl ToString) {
        self.0.send(Message::Text(text.to_string().into())).await.unwrap();
    }

    async fn ask(&mut self, command: Value) -> Value {
        self.say(command).await;
        self.next().await
    }

    async fn next(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    async fn text(&mut self) -> String {
        client::text(&mut self.0).await
    }
}

fn subscribe(item: &str) -> Value {
    json!({"type": "subscribe", "itemId": item})
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_watches_several_items_and_leaves_them() {
    let stage = Stage::start().await;
    let mut many = Many::connect(&stage).await;
    for item in ["lot1", "lot2"] {
        let connected = many.ask(subscribe(item)).await;
        assert_eq!((&connected["type"], &connected["itemId"]), (&json!("connected"), &json!(item)));
    }
    assert_eq!(stage.relay.stats().await["subscribers"], 2);
    let one = stage.bid("lot1", 1).await;
    assert_eq!(many.text().await, one);
    let two = stage.bid("lot2", 1).await;
    assert_eq!(many.text().await, two);
    let left = many.ask(json!({"type": "unsubscribe", "itemId": "lot1"})).await;
    assert_eq!(left, json!({"type": "unsubscribed", "itemId": "lot1"}));
    stage.bid("lot1", 2).await;
    let three = stage.bid("lot2", 2).await;
    assert_eq!(many.text().await, three, "nothing of what it has left");
    until("one is left", async || stage.relay.stats().await["subscribers"] == 1).await;
    // It comes back to where it was.
    let back = many.ask(json!({"type": "subscribe", "itemId": "lot1", "since": 0, "epoch": 1})).await;
    assert_eq!((&back["seq"], &back["since"]["seq"]), (&json!(2), &json!(0)));
    assert_eq!(many.text().await, one);
    assert_eq!(many.next().await["seq"], 2);
    drop(many);
    until("all are gone", async || stage.relay.stats().await["subscribers"] == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_bids_on_many_items_come_each_in_its_order() {
    let stage = Stage::start().await;
    let mut many = Many::connect(&stage).await;
    let items: Vec<String> = (0..20).map(|number| format!("lot{number}")).collect();
    for item in &items {
        many.ask(subscribe(item)).await;
    }
    let mut expected = Vec::new();
    for item in &items {
        expected.push(frames(&stage.accept_many(item, 1..51).await));
    }
    for item in &items {
        stage.bid(item, 51).await;
    }
    let mut seen = vec![Vec::new(); items.len()];
    for _ in 0..51 * items.len() {
        let text = many.text().await;
        let event: Value = serde_json::from_str(&text).unwrap();
        let which = items.iter().position(|item| event["item_id"] == **item).unwrap();
        seen[which].push(text);
    }
    for (seen, expected) in seen.iter().zip(&expected) {
        assert_eq!(seen[..50], expected[..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_has_a_code_and_the_connection_goes_on() {
    let stage = Stage::start().await;
    let mut many = Many::connect(&stage).await;
    let long = "x".repeat(65);
    for (command, code) in [
        ("nonsense".to_owned(), "bad-command"),
        (json!({"type": "bid"}).to_string(), "bad-command"),
        (subscribe("a.b").to_string(), "bad-item-id"),
        (subscribe(&long).to_string(), "bad-item-id"),
        (json!({"type": "subscribe", "itemId": "lot1", "epoch": 1}).to_string(), "bad-since"),
        (json!({"type": "unsubscribe", "itemId": "lot1"}).to_string(), "not-subscribed"),
    ] {
        many.say(&command).await;
        let error = many.next().await;
        assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!(code)), "{command}: {error}");
    }
    assert_eq!(many.ask(json!({"type": "ping"})).await, json!({"type": "pong"}));
    many.ask(subscribe("lot1")).await;
    assert_eq!(many.ask(subscribe("lot1")).await["code"], "already-subscribed");
    let bid = stage.bid("lot1", 1).await;
    assert_eq!(many.text().await, bid);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_and_commands_of_a_connection_are_limited() {
    let stage = Stage::start().await;
    let mut many = Many::connect(&stage).await;
    let mut refused = 0;
    for _ in 0..200 {
        many.say(json!({"type": "ping"})).await;
    }
    for _ in 0..200 {
        refused += u32::from(many.next().await["code"] == "too-many-commands");
    }
    assert!(refused > 0, "200 at once are too many");
    let mut connected = 0;
    while connected < 100 {
        match many.ask(subscribe(&format!("lot{connected}"))).await {
            answer if answer["type"] == "connected" => connected += 1,
            _ => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
    let too_many = loop {
        let answer = many.ask(subscribe("one-more")).await;
        if answer["code"] != "too-many-commands" {
            break answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(too_many["code"], "too-many-subscriptions");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_cannot_be_read_is_lost_and_the_others_are_not() {
    let stage = Stage::start().await;
    let mut many = Many::connect(&stage).await;
    many.ask(subscribe("lot1")).await;
    stage.redis.pause().unwrap();
    many.say(subscribe("lot2")).await;
    let closed = loop {
        let next = many.next().await;
        if next["type"] == "closed" {
            break next;
        }
    };
    assert_eq!((&closed["itemId"], &closed["code"]), (&json!("lot2"), &json!(1013)));
    stage.redis.resume().unwrap();
    let bid = stage.bid("lot1", 1).await;
    while many.text().await != bid {}
}
