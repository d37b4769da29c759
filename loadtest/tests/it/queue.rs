//! The system with SQS in JetStream's place.

use local::{System, testing};

use crate::support::{Viewer, bid, psql, until_psql};

async fn system(faults: Option<u64>) -> System {
    testing::system_with(|settings| {
        settings.archive_by_sqs();
        settings.environment.extend(faults.map(|every| ("QUEUE_FAULTS", every.to_string())));
    })
    .await
}

async fn metric(system: &System, name: &str) -> u64 {
    let metrics = reqwest::get(format!("{}/metrics", system.worker_url())).await.unwrap().text().await.unwrap();
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{name}: {metrics}")).parse().unwrap()
}

async fn until_the_outbox_is_empty(system: &System) {
    let empty = async {
        while metric(system, "archival_worker_outbox_length").await > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(crate::support::DEADLINE, empty).await.expect("an empty outbox");
}

/// Every accepted bid once, and nothing else.
async fn check_rows(system: &System, accepted: u64) {
    until_psql(system, "SELECT count(*) FROM bids", &accepted.to_string()).await;
    until_the_outbox_is_empty(system).await;
    let rows = "SELECT count(*), count(DISTINCT bid_id), sum(seq) FROM bids";
    let items = "SELECT (SELECT count(*) FROM quarantine), sum(seq * (seq + 1) / 2) FROM items";
    let (rows, items) = (psql(system, rows).await, psql(system, items).await);
    let (count, seqs) = rows.rsplit_once('|').unwrap();
    assert_eq!(count, format!("{accepted}|{accepted}"));
    assert_eq!(items, format!("0|{seqs}"), "every seq up to the last, and nothing set aside");
}

#[tokio::test(flavor = "multi_thread")]
async fn bids_are_shown_by_nats_and_archived_by_the_queue() {
    let system = system(None).await;
    let (mut viewer, _) = Viewer::connect(&system, "lot0").await;
    for amount in 1..=30 {
        for item in ["lot0", "lot1"] {
            assert_eq!(bid(&system, item, "alice", amount).await.0, 201);
        }
    }
    assert_eq!(viewer.seqs(30).await, (1..=30).collect::<Vec<_>>());
    check_rows(&system, 60).await;
    assert_eq!(metric(&system, "archival_worker_archived_total").await, 0, "nothing was left to the reconciler");
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_localstack_killed_and_messages_failing_doubled_and_reordered_each_bid_is_archived_once() {
    let system = system(Some(3)).await;
    let localstack = system.server("localstack");
    let mut accepted = 0;
    for amount in 1..=60 {
        match amount {
            20 => localstack.kill().await.unwrap(),
            // It has lost the queue with all that was in it.
            40 => localstack.start().await.unwrap(),
            _ => {}
        }
        for item in ["lot0", "lot1", "lot2"] {
            assert_eq!(bid(&system, item, "alice", amount).await.0, 201);
            accepted += 1;
        }
    }
    check_rows(&system, accepted).await;
    assert!(metric(&system, "archival_worker_archived_total").await < accepted, "the queue has brought some");
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_queue_has_when_redis_is_lost_is_archived_too() {
    let system = system(None).await;
    for amount in 1..=20 {
        assert_eq!(bid(&system, "lot0", "alice", amount).await.0, 201);
    }
    check_rows(&system, 20).await;
    let (postgres, redis) = (system.server("postgres"), system.server("redis"));
    postgres.kill().await.unwrap();
    for amount in 21..=30 {
        assert_eq!(bid(&system, "lot0", "alice", amount).await.0, 201);
    }
    // By now the function has failed on them, and SQS shows them again only after a minute.
    let failed_on = async {
        while metric(&system, "archival_worker_outbox_age_seconds").await < 5 {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(crate::support::DEADLINE, failed_on).await.expect("events wait in the outbox");
    redis.kill().await.unwrap();
    std::fs::remove_dir_all(redis.working_folder().join("appendonlydir")).unwrap();
    postgres.start().await.unwrap();
    redis.start().await.unwrap();
    until_psql(&system, "SELECT COUNT(*) FROM bids", "30").await;
    assert_eq!(psql(&system, "SELECT COUNT(*) FROM quarantine").await, "0");
    system.stop().await.unwrap();
}
