//! A sandbox is frozen after its answer, so what was not sent by then is not sent.

use std::{fs, time::Duration};

use auction::AuctionEvent;
use futures_util::StreamExt;
use local::{Name, testing};
use serde_json::{Value, json};

/// Far above what any step takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(10);

/// The state of the one sandbox of bids, as a letter: T is frozen.
fn sandbox_states(front: u32) -> Vec<char> {
    let stats =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    let sandboxes = stats.filter(|stat| stat.contains("(place-bid)"));
    let fields = sandboxes.filter_map(|stat| Some(stat.rsplit_once(") ")?.1.to_owned()));
    let ours = fields.filter(|fields| fields.split(' ').nth(1) == Some(&front.to_string()));
    ours.filter_map(|fields| fields.chars().next()).collect()
}

#[tokio::test]
async fn the_event_of_an_accepted_bid_has_left_when_the_sandbox_is_frozen() {
    let servers = [Name::Redis, Name::Nats, Name::Postgres, Name::ArchivalWorker, Name::Api];
    let system = testing::system_of(&servers).await;
    let client = async_nats::connect(system.nats_url()).await.unwrap();
    let mut events = client.subscribe("bid_events.*").await.unwrap();
    // Nobody answers, which the server says after it has taken the subscription.
    client.request("subscribed", "".into()).await.unwrap_err();
    let front = system.server("bidding-api").pid().unwrap();
    // The first is that of a cold sandbox, which has no connection yet.
    for amount in 1..=20 {
        let url = format!("{}/api/v1/items/lot1/bid", system.api_url());
        let request = reqwest::Client::new().post(url).json(&json!({ "user_id": "alice", "amount": amount }));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let frozen = async {
            while sandbox_states(front) != ['T'] {
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
