use crate::support::{bid, item, open_ledger, place};

#[tokio::test]
async fn a_shards_mark_moves_with_every_event_even_if_its_entry_has_left() {
    let (_server, ledger) = open_ledger().await;
    let before = ledger.shard_marks().await.unwrap();
    let judged = place(&ledger, &bid("lot1", "alice", "1")).await;
    ledger.delete_from_outbox(&[judged.events[0].outbox_id.clone()]).await.unwrap();
    let after = ledger.shard_marks().await.unwrap();
    assert!(after.moved(&before, &item("lot1")));
    assert!(!after.moved(&before, &item("contested_item_1")), "another shard");
    assert_eq!(ledger.shard_marks().await.unwrap(), after);
}

#[tokio::test]
async fn every_shards_mark_moves_with_a_new_epoch() {
    let (_server, ledger) = open_ledger().await;
    let before = ledger.shard_marks().await.unwrap();
    ledger.open(2).await.unwrap();
    let after = ledger.shard_marks().await.unwrap();
    assert!(["lot1", "contested_item_1"].iter().all(|id| after.moved(&before, &item(id))));
    ledger.open(2).await.unwrap();
    assert_eq!(ledger.shard_marks().await.unwrap(), after, "opened again in the same epoch");
}
