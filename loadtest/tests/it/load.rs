//! Many bids and many viewers at once: afterwards everything adds up.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use local::{Api, System, testing};
use reqwest::{Client, StatusCode, header};
use tokio::task::JoinSet;

use crate::support::{Viewer, bid, psql, redis_cli, until_psql};

const CONNECTIONS: u64 = 50;
const BIDS_PER_CONNECTION: u64 = 1_000;

/// 50 connections bid on the items in turn, at prices that rise over all of them. Returns how many were accepted.
async fn contend(system: &System, items: u64) -> u64 {
    let next_cent = Arc::new(AtomicU64::new(0));
    let mut connections = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let (client, api_url, next_cent) = (Client::new(), system.api_url(), next_cent.clone());
        connections.spawn(async move {
            let mut accepted = 0;
            for number in 0..BIDS_PER_CONNECTION {
                let item = (number + connection) % items;
                let cents = 10_000 + next_cent.fetch_add(1, Ordering::Relaxed);
                let (whole, rest) = (cents / 100, cents % 100);
                let url = format!("{api_url}/api/v1/items/contended_{item}/bid");
                let body = format!(r#"{{"user_id":"user_{connection}","amount":{whole}.{rest:02}}}"#);
                let request = client.post(url).header(header::CONTENT_TYPE, "application/json").body(body);
                let response = request.send().await.unwrap();
                let status = response.status();
                response.bytes().await.unwrap();
                assert!(matches!(status, StatusCode::OK | StatusCode::CREATED), "{status}");
                accepted += u64::from(status == StatusCode::CREATED);
            }
            accepted
        });
    }
    connections.join_all().await.into_iter().sum()
}

async fn check(system: &System, items: u64, accepted: u64) {
    until_psql(system, "SELECT COUNT(*) FROM bids", &accepted.to_string()).await;
    assert_eq!(psql(system, "SELECT COUNT(*) FROM events").await, accepted.to_string());
    // A seq without hole or repeat is one whose smallest is 1 and whose largest is their number.
    let broken = "SELECT item_id FROM bids GROUP BY item_id
                  HAVING MIN(seq) <> 1 OR MAX(seq) <> COUNT(*) OR COUNT(DISTINCT seq) <> COUNT(*)";
    assert_eq!(psql(system, broken).await, "");
    let falling = "SELECT item_id, seq FROM (SELECT item_id, seq, amount, previous_bid,
                     lag(amount, 1, 0) OVER (PARTITION BY item_id ORDER BY seq) AS before FROM bids) AS rows
                   WHERE amount <= before OR previous_bid <> before";
    assert_eq!(psql(system, falling).await, "");
    for item in 0..items {
        let archived = psql(system, &format!("SELECT MAX(amount) FROM bids WHERE item_id = 'contended_{item}'")).await;
        assert_eq!(redis_cli(system, &["GET", &format!("item:contended_{item}:current_bid")]).await, archived);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_bids_on_one_item_add_up() {
    let system = testing::system_with(|settings| settings.api = Api::Api).await;
    let accepted = contend(&system, 1).await;
    assert!(accepted > 0);
    check(&system, 1, accepted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_bids_on_a_hundred_items_add_up() {
    let system = testing::system_with(|settings| settings.api = Api::Api).await;
    let accepted = contend(&system, 100).await;
    assert!(accepted > 0);
    check(&system, 100, accepted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_viewers_see_each_of_fifty_bids_once_and_in_order() {
    const VIEWERS: usize = 1_000;
    const BIDS: u64 = 50;
    let system = testing::system().await;
    let mut viewers = JoinSet::new();
    for _ in 0..VIEWERS {
        let (mut viewer, first) = Viewer::connect(&system, "lot1").await;
        assert_eq!(first["seq"], 0);
        viewers.spawn(async move { viewer.seqs(BIDS as usize).await });
    }
    for amount in 1..=BIDS {
        assert_eq!(bid(&system, "lot1", "alice", amount).await.0, 201);
    }
    let expected: Vec<u64> = (1..=BIDS).collect();
    for seqs in viewers.join_all().await {
        assert_eq!(seqs, expected);
    }
}
