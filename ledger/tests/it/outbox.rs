use std::time::Duration;

use ledger::{OutboxCursor, OutboxId, OutboxPage};

use crate::support::{bid, open_ledger, place, raw};

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
async fn only_entries_that_have_waited_long_enough_are_overdue_and_they_come_page_by_page() {
    let (_server, ledger) = open_ledger().await;
    for amount in 1..=5 {
        place(&ledger, &bid("lot1", "alice", &amount.to_string())).await;
    }
    place(&ledger, &bid("lot2", "alice", "1")).await;
    let mut cursor = OutboxCursor::default();
    let none = ledger.overdue(Duration::from_secs(3_600), &mut cursor, 10).await.unwrap();
    assert_eq!((none, cursor.is_at_end()), (OutboxPage::default(), true));

    let mut cursor = OutboxCursor::default();
    let mut pages = Vec::new();
    while !cursor.is_at_end() {
        let page = ledger.overdue(Duration::ZERO, &mut cursor, 2).await.unwrap();
        pages.push(page.placed.iter().map(|placed| placed.event.position.seq).collect::<Vec<_>>());
    }
    pages.iter_mut().for_each(|page| page.sort_unstable());
    assert_eq!(pages, [vec![1, 1, 2], vec![3, 4], vec![5]]);
}

#[tokio::test]
async fn an_entry_that_is_no_event_is_named_and_the_others_are_read() {
    let (server, ledger) = open_ledger().await;
    place(&ledger, &bid("lot1", "alice", "1")).await;
    let mut connection = raw(&server).await;
    let outboxes: Vec<String> = redis::cmd("KEYS").arg("a:*:out").query_async(&mut connection).await.unwrap();
    for entry in [["r", "rubbish"], ["x", "y"]] {
        let () = redis::cmd("XADD").arg(&outboxes[0]).arg("*").arg(&entry).query_async(&mut connection).await.unwrap();
    }
    place(&ledger, &bid("lot1", "alice", "2")).await;
    let page = ledger.overdue(Duration::ZERO, &mut OutboxCursor::default(), 10).await.unwrap();
    assert_eq!(page.placed.iter().map(|placed| placed.event.position.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(page.unreadable.len(), 2);
    assert!(page.unreadable[0].error.contains("rubbish"), "{page:?}");
}
