use ledger::{Ledger, LedgerError, NewIds};
use local::testing::redis;

use crate::support::{bid, dump, item, open_ledger, place, raw};

#[tokio::test]
async fn bids_are_closed_until_the_worker_opens_them() {
    let server = redis().await;
    let ledger = Ledger::new(&server.url()).unwrap();
    let refused = ledger.place_bid(&bid("lot1", "alice", "1"), NewIds::random(), true).await;
    assert!(matches!(refused, Err(LedgerError::NotOpen)), "{refused:?}");
    assert!(matches!(ledger.standing(&item("lot1")).await, Err(LedgerError::NotOpen)));
    ledger.open(7).await.unwrap();
    assert_eq!(place(&ledger, &bid("lot1", "alice", "1")).await.item.position.epoch, 7);
}

#[tokio::test]
async fn a_restart_closes_bids_and_opening_again_changes_no_item() {
    let (server, ledger) = open_ledger().await;
    place(&ledger, &bid("lot1", "alice", "1")).await;
    let of_items = async || dump(&server).await.into_iter().filter(|(key, _)| key != "a:opened").collect::<Vec<_>>();
    let before = of_items().await;
    server.kill().await.unwrap();
    server.start().await.unwrap();
    assert!(!ledger.is_open().await.unwrap());
    let closed = ledger.place_bid(&bid("lot1", "bob", "2"), NewIds::random(), true).await;
    assert!(matches!(closed, Err(LedgerError::NotOpen)), "{closed:?}");
    ledger.open(1).await.unwrap();
    assert!(ledger.is_open().await.unwrap() && ledger.is_verified().await.unwrap());
    assert_eq!(of_items().await, before);
    assert_eq!(place(&ledger, &bid("lot1", "bob", "2")).await.item.position.seq, 2);
}

#[tokio::test]
async fn a_redis_laid_out_for_another_number_of_shards_is_not_opened() {
    let server = redis().await;
    let () = redis::cmd("SET").arg("a:shards").arg(32).query_async(&mut raw(&server).await).await.unwrap();
    let ledger = Ledger::new(&server.url()).unwrap();
    let error = ledger.open(1).await.unwrap_err().to_string();
    assert!(error.contains("32 shards"), "{error}");
    assert!(matches!(ledger.is_open().await, Err(LedgerError::Corrupt(_))));
}

#[tokio::test]
async fn a_wiped_redis_is_closed_although_it_keeps_its_scripts() {
    let (server, ledger) = open_ledger().await;
    assert!(ledger.is_open().await.unwrap());
    let () = redis::cmd("FLUSHALL").query_async(&mut raw(&server).await).await.unwrap();
    assert!(!ledger.is_open().await.unwrap());
    let closed = ledger.place_bid(&bid("lot1", "bob", "2"), NewIds::random(), true).await;
    assert!(matches!(closed, Err(LedgerError::NotOpen)), "{closed:?}");
    assert!(!ledger.is_verified().await.unwrap());
}
