//! Bids that the log no longer has.

use archive::{Delivery, Sink};
use ledger::{Placed, Replacement};
use local::{Role, testing};
use serde_json::json;

use crate::support::{TestApi, api, api_with, parts, problem};

/// Stores what is in the outbox, as the worker does.
async fn archive_all(api: &TestApi, url: &archive::PostgresUrl) {
    let archived = api.ledger.outbox_heads(100).await.unwrap();
    let delivery = |placed: &Placed| Delivery::read(placed.event.to_json().as_bytes(), None).unwrap();
    let deliveries: Vec<Delivery> = archived.iter().map(delivery).collect();
    Sink::new(url).store(&deliveries).await.unwrap();
}

/// Takes the first `count` entries out of an item's log, as trimming does.
async fn trim_log(api: &TestApi, count: u64) {
    let client = redis::Client::open(api.redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("a:*:l:lot1").query_async(&mut connection).await.unwrap();
    let trim = redis::cmd("XTRIM").arg(&keys[0]).arg("MINID").arg(format!("{}-0", count + 1)).to_owned();
    let trimmed: u64 = trim.query_async(&mut connection).await.unwrap();
    assert_eq!(trimmed, count);
}

#[tokio::test]
async fn what_the_log_no_longer_has_comes_from_postgresql_without_a_seam() {
    let postgres = testing::postgres().await;
    let url: archive::PostgresUrl = postgres.url().parse().unwrap();
    let api = api_with(|config| config.postgres_url = postgres.url_of(Role::Functions)).await;
    for amount in 1..=9 {
        api.bid("lot1", "alice", f64::from(amount)).await;
    }
    archive::migrations::apply(&url).await.unwrap();
    archive_all(&api, &url).await;
    trim_log(&api, 5).await;

    for (query, expected) in [
        ("", (1..=9).collect::<Vec<u64>>()),
        ("?limit=3", vec![1, 2, 3]),
        ("?after=2&limit=5", vec![3, 4, 5, 6, 7]),
        ("?after=4", vec![5, 6, 7, 8, 9]),
        ("?after=5", vec![6, 7, 8, 9]),
    ] {
        let (status, _, body) = parts(api.get(&format!("/api/v1/items/lot1/bids{query}")).await).await;
        let seqs: Vec<u64> = body["bids"].as_array().unwrap().iter().map(|bid| bid["seq"].as_u64().unwrap()).collect();
        assert_eq!((status, seqs), (200, expected), "{query}");
    }
}

#[tokio::test]
async fn a_log_that_is_trimmed_while_it_is_listed_drops_and_repeats_nothing() {
    let postgres = testing::postgres().await;
    let url: archive::PostgresUrl = postgres.url().parse().unwrap();
    let api = api_with(|config| config.postgres_url = postgres.url_of(Role::Functions)).await;
    for amount in 1..=90 {
        api.bid("lot1", "alice", f64::from(amount)).await;
    }
    archive::migrations::apply(&url).await.unwrap();
    archive_all(&api, &url).await;
    let item = auction::ItemId::parse("lot1").unwrap();
    let trimming = async {
        for seq in 1..=85 {
            api.ledger.trim_log(&item, seq).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        }
    };
    let listing = async {
        let expected: Vec<_> = (1..=90).map(|seq| (1, seq)).collect();
        for round in 0..30 {
            assert_eq!(all_pages(&api, 7 + round % 11).await, expected);
        }
    };
    tokio::join!(trimming, listing);
}

#[tokio::test]
async fn without_postgresql_older_bids_are_503_and_recent_ones_are_listed() {
    let api = api().await;
    for amount in 1..=4 {
        api.bid("lot1", "alice", f64::from(amount)).await;
    }
    trim_log(&api, 2).await;
    let detail = problem(503, parts(api.get("/api/v1/items/lot1/bids").await).await);
    assert!(detail.contains("archive"), "{detail}");
    let (status, _, body) = parts(api.get("/api/v1/items/lot1/bids?after=2").await).await;
    assert_eq!((status, &body["bids"][0]["seq"]), (200, &json!(3)));
}

#[tokio::test]
async fn bids_of_an_earlier_epoch_are_listed_first_and_no_page_skips_one() {
    let postgres = testing::postgres().await;
    let url: archive::PostgresUrl = postgres.url().parse().unwrap();
    let api = api_with(|config| config.postgres_url = postgres.url_of(Role::Functions)).await;
    for amount in 1..=5 {
        api.bid("lot1", "alice", f64::from(amount)).await;
    }
    archive::migrations::apply(&url).await.unwrap();
    archive_all(&api, &url).await;
    // Redis loses everything, gets the item back with the end of its log, and goes on in the next epoch.
    let item = auction::ItemId::parse("lot1").unwrap();
    let mut state = api.ledger.standing(&item).await.unwrap().state();
    let log = api.ledger.log_head(&item, 5).await.unwrap().split_off(3);
    state.position.epoch = 2;
    let client = redis::Client::open(api.redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
    let verification = api.ledger.verify().await.unwrap();
    verification.replace(&[Replacement { item, expected: None, state, log: Some(log) }]).await.unwrap();
    verification.open(2).await.unwrap();
    let all_of_the_first = (1..=5).map(|seq| (1, seq)).collect::<Vec<_>>();
    assert_eq!(all_pages(&api, 2).await, all_of_the_first);
    for amount in 6..=8 {
        api.bid("lot1", "alice", f64::from(amount)).await;
    }
    let both: Vec<_> = all_of_the_first.into_iter().chain((6..=8).map(|seq| (2, seq))).collect();
    for limit in [1, 2, 3, 5, 100] {
        assert_eq!(all_pages(&api, limit).await, both, "limit {limit}");
    }
    // Bids that somebody saw and Redis lost: the next ones are those that came instead.
    let (_, _, page) = parts(api.get("/api/v1/items/lot1/bids?after=7&epoch=1").await).await;
    let seqs: Vec<_> = page["bids"].as_array().unwrap().iter().map(|bid| bid["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [6, 7, 8]);
}

/// Every (epoch, seq) that is listed, following the pages.
async fn all_pages(api: &TestApi, limit: usize) -> Vec<(u64, u64)> {
    let mut positions = Vec::new();
    let mut query = format!("?limit={limit}");
    loop {
        let (status, _, page) = parts(api.get(&format!("/api/v1/items/lot1/bids{query}")).await).await;
        assert_eq!(status, 200, "{page}");
        let position = |bid: &serde_json::Value| (bid["epoch"].as_u64().unwrap(), bid["seq"].as_u64().unwrap());
        positions.extend(page["bids"].as_array().unwrap().iter().map(position));
        let (Some(after), Some(epoch)) = (page["next_after"].as_u64(), page["next_epoch"].as_u64()) else {
            return positions;
        };
        query = format!("?limit={limit}&after={after}&epoch={epoch}");
    }
}
