//! Each server behind the bid dies and comes back while bids go on.

use local::{System, testing};

use crate::support::{Viewer, bid, until_psql};

/// Bids at the prices `from` to `from + 19`, each of which must be accepted.
async fn twenty_bids(system: &System, from: u64) {
    for amount in from..from + 20 {
        let (status, answer) = bid(system, "lot1", "alice", amount).await;
        assert_eq!(status, 201, "{answer}");
    }
}

/// Bids before, while the server is dead, and after its return; all of them reach PostgreSQL.
async fn check(server: &str) {
    let system = testing::system().await;
    twenty_bids(&system, 1).await;
    system.server(server).kill().await.unwrap();
    twenty_bids(&system, 21).await;
    system.server(server).start().await.unwrap();
    twenty_bids(&system, 41).await;
    until_psql(&system, "SELECT COUNT(*) FROM bids", "60").await;
    let (_, first) = Viewer::connect(&system, "lot1").await;
    assert_eq!(first["seq"], 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn bids_go_on_without_the_relay() {
    check("bidding-broadcast").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bids_go_on_without_postgresql_and_are_archived_when_it_returns() {
    check("bidding-postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bids_go_on_without_the_worker_and_are_archived_when_it_returns() {
    check("bidding-archival-worker").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bids_go_on_without_nats_and_are_archived_when_it_returns() {
    check("bidding-nats").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_of_redis_bids_open_again_by_themselves() {
    let system = testing::system().await;
    twenty_bids(&system, 1).await;
    system.server("bidding-redis").kill().await.unwrap();
    assert_eq!(bid(&system, "lot1", "alice", 21).await.0, 503);
    system.server("bidding-redis").start().await.unwrap();
    let reopened = async {
        while bid(&system, "lot1", "alice", 21).await.0 != 201 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::support::DEADLINE, reopened).await.expect("bids open again");
    until_psql(&system, "SELECT COUNT(*) FROM bids", "21").await;
}
