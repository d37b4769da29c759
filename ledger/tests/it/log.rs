use auction::Position;

use crate::support::{bid, item, open_ledger, place};

#[tokio::test]
async fn a_page_of_the_log_starts_after_a_seq_and_ends_at_its_limit() {
    let (_server, ledger) = open_ledger().await;
    for amount in 1..=7 {
        place(&ledger, &bid("lot1", "alice", &amount.to_string())).await;
    }
    let seqs = |after, limit| {
        let ledger = ledger.clone();
        async move {
            let page = ledger.events_after(&item("lot1"), after, limit).await.unwrap();
            assert_eq!(page.oldest, Some(Position { epoch: 1, seq: 1 }));
            page.events.iter().map(|event| event.position.seq).collect::<Vec<_>>()
        }
    };
    assert_eq!(seqs(0, 3).await, [1, 2, 3]);
    assert_eq!(seqs(5, 100).await, [6, 7]);
    assert_eq!(seqs(7, 100).await, [0_u64; 0]);
    assert_eq!(seqs(u64::MAX, 100).await, [0_u64; 0]);
    assert_eq!(seqs(0, 0).await, [0_u64; 0]);
}

#[tokio::test]
async fn an_item_without_bids_has_an_empty_log() {
    let (_server, ledger) = open_ledger().await;
    let page = ledger.events_after(&item("nobody"), 0, 10).await.unwrap();
    assert_eq!((page.oldest, page.events.len()), (None, 0));
}
