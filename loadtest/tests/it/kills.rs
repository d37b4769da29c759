//! Processes that are killed at the worst moment: nothing is lost and nothing is doubled.

use local::{Api, testing};

use crate::support::{Viewer, bid, psql, redis_cli, until_psql};

/// Every seq of the item stands in PostgreSQL once, and so does every bid.
async fn check_archived(system: &local::System, bids: u64) {
    let bids = bids.to_string();
    until_psql(system, "SELECT COUNT(*) FROM bids", &bids).await;
    let numbers =
        "SELECT concat_ws(' ', count(*), count(DISTINCT seq), count(DISTINCT event_id), max(seq)) FROM events";
    assert_eq!(psql(system, numbers).await, [&bids[..]; 4].join(" "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_killed_between_script_and_publish_loses_nothing() {
    // It would wait for NATS for a minute.
    let system = testing::system_with(|settings| {
        settings.api = Api::Api;
        settings.environment.push(("PUBLISH_DEADLINE_MS", "60000".to_owned()));
    })
    .await;
    let (mut viewer, _) = Viewer::connect(&system, "lot1").await;
    assert_eq!(bid(&system, "lot1", "alice", 1).await.0, 201);
    system.server("bidding-nats").kill().await.unwrap();
    let hanging = tokio::spawn({
        let url = format!("{}/api/v1/items/lot1/bid", system.api_url());
        let request = reqwest::Client::new().post(url).header("Idempotency-Key", "key");
        request.json(&serde_json::json!({ "user_id": "bob", "amount": 2 })).send()
    });
    // Accepted, and not answered: the viewers see it first.
    assert_eq!(viewer.seqs(2).await, [1, 2]);
    assert_eq!(redis_cli(&system, &["GET", "item:lot1:current_bid"]).await, "2.00");
    assert!(!hanging.is_finished());
    system.server("bidding-api").kill().await.unwrap();
    assert!(hanging.await.unwrap().is_err());
    system.server("bidding-nats").start().await.unwrap();
    system.server("bidding-api").start().await.unwrap();
    // The bidder repeats what it has no answer to.
    let url = format!("{}/api/v1/items/lot1/bid", system.api_url());
    let again = reqwest::Client::new().post(url).header("Idempotency-Key", "key");
    let again = again.json(&serde_json::json!({ "user_id": "bob", "amount": 2 })).send().await.unwrap();
    assert_eq!(again.headers()["Idempotency-Replayed"], "true");
    assert_eq!(again.json::<serde_json::Value>().await.unwrap()["seq"], 2);
    assert_eq!(bid(&system, "lot1", "alice", 3).await.0, 201);
    assert_eq!(viewer.seqs(1).await, [3]);
    check_archived(&system, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_between_commit_and_acknowledgement_doubles_nothing() {
    let system = testing::system_with(|settings| settings.api = Api::Api).await;
    let worker = system.server("bidding-archival-worker");
    for amount in 1..=20 {
        // Stored, it waits for Redis to delete the entry from the outbox, and acknowledges only then.
        worker.pause().unwrap();
        assert_eq!(bid(&system, "lot1", "alice", amount).await.0, 201);
        if amount % 5 != 0 {
            worker.resume().unwrap();
            continue;
        }
        system.server("bidding-redis").pause().unwrap();
        worker.resume().unwrap();
        until_psql(&system, "SELECT COUNT(*) FROM bids", &amount.to_string()).await;
        worker.kill().await.unwrap();
        system.server("bidding-redis").resume().unwrap();
        worker.start().await.unwrap();
    }
    check_archived(&system, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nats_killed_with_its_store_deleted_loses_nothing() {
    let system = testing::system_with(|settings| settings.api = Api::Api).await;
    let (mut viewer, _) = Viewer::connect(&system, "lot1").await;
    let nats = system.server("bidding-nats");
    // What NATS has told is not archived yet.
    system.server("bidding-archival-worker").pause().unwrap();
    for amount in 1..=20 {
        assert_eq!(bid(&system, "lot1", "alice", amount).await.0, 201);
    }
    nats.kill().await.unwrap();
    let folder = nats.log_file().parent().unwrap().parent().unwrap().join("data/bidding-nats");
    std::fs::remove_dir_all(folder.join("jetstream")).unwrap();
    for amount in 21..=40 {
        assert_eq!(bid(&system, "lot1", "alice", amount).await.0, 201);
    }
    nats.start().await.unwrap();
    system.server("bidding-archival-worker").resume().unwrap();
    for amount in 41..=60 {
        assert_eq!(bid(&system, "lot1", "alice", amount).await.0, 201);
    }
    assert_eq!(viewer.seqs(60).await, (1..=60).collect::<Vec<_>>());
    check_archived(&system, 60).await;
}
