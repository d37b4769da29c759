//! Server-Sent Events, for clients without WebSocket.

use std::time::Duration;

use ledger::Placed;
use serde_json::Value;
use tokio::time::timeout;

use crate::stage::{DEADLINE, Stage, until};

/// A client that reads event by event.
struct Events {
    response: reqwest::Response,
    read: String,
}

#[derive(Debug, Default)]
struct Event {
    id: String,
    data: String,
    name: String,
}

impl Events {
    async fn open(stage: &Stage, query: &str, last_event_id: Option<&str>) -> Self {
        let mut request = reqwest::Client::new().get(stage.relay.url(&format!("/sse/items/lot1{query}")));
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, read: String::new() }
    }

    async fn next(&mut self) -> Event {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let mut found = Event::default();
                for line in event.lines() {
                    match line.split_once(": ").unwrap() {
                        ("id", id) => found.id = id.to_owned(),
                        ("data", data) => found.data = data.to_owned(),
                        ("event", name) => found.name = name.to_owned(),
                        _ => {}
                    }
                }
                self.read = rest.to_owned();
                if !found.data.is_empty() && !found.data.contains(r#""type":"subscribers""#) {
                    return found;
                }
                continue;
            }
            let chunk = timeout(DEADLINE, self.response.chunk()).await.expect("no event came").unwrap();
            self.read += str::from_utf8(&chunk.expect("the stream ended")).unwrap();
        }
    }

    async fn expect(&mut self, placed: &[Placed]) {
        for placed in placed {
            let event = self.next().await;
            assert_eq!(event.data, placed.event.to_json());
            let position = placed.event.position;
            assert_eq!(event.id, format!("{}:{}", position.epoch, position.seq));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_with_their_place_and_who_comes_back_misses_nothing() {
    let stage = Stage::start().await;
    let before = stage.accept_many("lot1", 1..11).await;
    let mut events = Events::open(&stage, "", None).await;
    let first = events.next().await;
    let connected: Value = serde_json::from_str(&first.data).unwrap();
    assert_eq!((&connected["type"], &connected["seq"], &*first.id), (&"connected".into(), &10.into(), "1:10"));
    assert_eq!(stage.relay.stats().await["subscribers"], 1);
    let next = stage.accept("lot1", 11).await;
    stage.publish(&next).await;
    events.expect(std::slice::from_ref(&next)).await;
    drop(events);
    until("it is gone", async || stage.relay.stats().await["subscribers"] == 0).await;
    let missed = [&before[3..], std::slice::from_ref(&next)].concat();
    for (query, id) in [("", Some("1:3")), ("?since=3&epoch=1", None), ("?since=9", Some("1:3"))] {
        let mut back = Events::open(&stage, query, id).await;
        assert_eq!(back.next().await.id, "1:3", "what it knows, until the next");
        back.expect(&missed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_outlives_the_deadline_of_requests_and_a_slow_one_gets_a_snapshot() {
    let stage = Stage::start().await;
    let mut events = Events::open(&stage, "", None).await;
    events.next().await;
    // Longer than a request may take.
    tokio::time::sleep(Duration::from_secs(11)).await;
    // More than all that is on the way, while it reads nothing.
    let placed = stage.accept_many("lot1", 1..20_000).await;
    for placed in &placed {
        crate::stage::publish(&stage.publisher, placed).await;
    }
    stage.publisher.flush().await.unwrap();
    let (mut last, mut snapshots) = (0, 0);
    while last < 19_999 {
        let frame: Value = serde_json::from_str(&events.next().await.data).unwrap();
        let seq = frame["seq"].as_u64().unwrap();
        match frame["type"] == "state" {
            true => snapshots += 1,
            false => assert_eq!(seq, last + 1),
        }
        last = seq;
    }
    assert_eq!(stage.relay.stats().await["slow_viewers_conflated"], snapshots);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_relay_is_told() {
    let stage = Stage::start().await;
    let mut events = Events::open(&stage, "", None).await;
    events.next().await;
    stage.relay.shutdown.cancel();
    let closed = events.next().await;
    let data: Value = serde_json::from_str(&closed.data).unwrap();
    assert_eq!((&*closed.name, &data["code"]), ("closed", &1012.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_place_or_no_item_is_400() {
    let stage = Stage::start().await;
    for (path, id) in [("lot1", "x"), ("lot1", "1"), ("lot1", "1:x"), ("a.b", "1:1")] {
        let request = reqwest::Client::new().get(stage.relay.url(&format!("/sse/items/{path}")));
        let answer = request.header("Last-Event-ID", id).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{path} {id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_cannot_be_asked_for_its_head_alone() {
    let stage = Stage::start().await;
    let answer = reqwest::Client::new().head(stage.relay.url("/sse/items/lot1")).send().await.unwrap();
    assert_eq!(answer.status(), 405);
    assert_eq!(stage.relay.stats().await["subscribers"], 0);
}
