use std::time::Duration;

use ledger::OutboxId;

use crate::support::{bid, open_ledger, place};

#[tokio::test]
async fn entries_leave_the_outbox_when_they_are_confirmed_and_not_before() {
    let (_server, ledger) = open_ledger().await;
    let mut ids = Vec::new();
    for number in 0..100 {
        let judged = place(&ledger, &bid(&format!("lot_{number}"), "alice", "1")).await;
        ids.push(judged.events[0].outbox_id.clone());
    }
    assert_eq!(ledger.outbox_length().await.unwrap(), 100);
    ledger.delete_from_outbox(&ids[..60]).await.unwrap();
    assert_eq!(ledger.outbox_length().await.unwrap(), 40);
    // A second worker confirms the same again, and an id comes back from its text.
    let again: Vec<OutboxId> = ids.iter().map(|id| OutboxId::parse(&id.to_string()).unwrap()).collect();
    ledger.delete_from_outbox(&again).await.unwrap();
    assert_eq!(ledger.outbox_length().await.unwrap(), 0);
    ledger.delete_from_outbox(&[]).await.unwrap();
}

#[tokio::test]
async fn only_entries_that_have_waited_long_enough_are_overdue() {
    let (_server, ledger) = open_ledger().await;
    for amount in 1..=3 {
        place(&ledger, &bid("lot1", "alice", &amount.to_string())).await;
    }
    assert_eq!(ledger.overdue(Duration::from_secs(3_600), 10).await.unwrap(), []);
    let overdue = ledger.overdue(Duration::ZERO, 2).await.unwrap();
    assert_eq!(overdue, ledger.outbox_heads(2).await.unwrap());
    assert_eq!(overdue.iter().map(|placed| placed.event.position.seq).collect::<Vec<_>>(), [1, 2]);
}
