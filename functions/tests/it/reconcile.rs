//! The scheduled function that empties the outbox.

use functions::reconcile::{Report, reconcile, reconciler};
use local::{Role, testing};

use crate::support::api_with;

#[tokio::test]
async fn bids_that_nobody_archived_are_archived_by_any_number_of_runs_at_once() {
    let postgres = testing::postgres().await;
    archive::migrations::apply(&postgres.url().parse().unwrap()).await.unwrap();
    let api = api_with(|config| config.postgres_url = postgres.url_of(Role::Functions)).await;
    let mut config = crate::support::config(&api.redis);
    // Its work is the worker's.
    config.redis_url = api.redis.url_of(Role::Worker);
    config.postgres_url = postgres.url_of(Role::Worker);
    for amount in 1..=20 {
        api.bid(&format!("lot{}", amount % 3), "alice", f64::from(amount)).await;
    }
    let (one, other) = (reconciler(&config).unwrap(), reconciler(&config).unwrap());
    let fresh = reconcile(&one).await.unwrap();
    assert_eq!(fresh, Report { entries: 0, archived: 0, set_aside: 0 }, "somebody else may still bring them");
    tokio::time::sleep(archive::OVERDUE_AGE + std::time::Duration::from_millis(100)).await;
    let (first, second) = tokio::join!(reconcile(&one), reconcile(&other));
    assert_eq!(first.unwrap().archived + second.unwrap().archived, 20);
    assert_eq!(api.ledger.outbox_length().await.unwrap(), 0);
    let archived = archive::Archive::new(&config.postgres_url.parse().unwrap());
    let item = auction::ItemId::parse("lot1").unwrap();
    assert_eq!(archived.bids_after(&item, auction::Position::default(), None, 100).await.unwrap().len(), 7);
}

#[tokio::test]
async fn a_run_without_postgres_fails_and_leaves_the_outbox_as_it_is() {
    let api = crate::support::api().await;
    api.bid("lot", "alice", 1.0).await;
    tokio::time::sleep(archive::OVERDUE_AGE + std::time::Duration::from_millis(100)).await;
    let config = crate::support::config(&api.redis);
    assert!(reconcile(&reconciler(&config).unwrap()).await.is_err());
    assert_eq!(api.ledger.outbox_length().await.unwrap(), 1);
}
