use auction::Position;
use ledger::{Continuity, Ledger, LogPage};
use local::Server;

use crate::support::{bid, item, open_ledger, place, raw};

fn at(epoch: u64, seq: u64) -> Position {
    Position { epoch, seq }
}

async fn after(ledger: &Ledger, position: Position, limit: usize) -> LogPage {
    ledger.events_after(&item("lot1"), position, limit).await.unwrap()
}

fn positions(page: &LogPage) -> Vec<Position> {
    page.events.iter().map(|event| event.position).collect()
}

#[tokio::test]
async fn a_page_of_the_log_starts_after_a_position_and_ends_at_its_limit() {
    let (_server, ledger) = open_ledger().await;
    for amount in 1..=7 {
        place(&ledger, &bid("lot1", "alice", &amount.to_string())).await;
    }
    for (seq, limit, expected, is_last) in
        [(0, 3, 1..4, false), (2, 4, 3..7, false), (5, 100, 6..8, true), (7, 100, 0..0, true), (0, 0, 0..0, false)]
    {
        let page = after(&ledger, at(1, seq), limit).await;
        assert_eq!((page.oldest, page.continuity), (Some(at(1, 1)), Continuity::Unbroken));
        assert_eq!((page.anchor, page.is_last), ((seq > 0).then_some(at(1, seq)), is_last), "{seq} {limit}");
        assert_eq!(positions(&page), expected.map(|seq| at(1, seq)).collect::<Vec<_>>());
    }
    let beyond = after(&ledger, at(1, u64::MAX), 100).await;
    assert_eq!((beyond.continuity, beyond.events.len()), (Continuity::Lost, 0));
}

#[tokio::test]
async fn an_item_without_bids_has_an_empty_log() {
    let (_server, ledger) = open_ledger().await;
    let page = after(&ledger, Position::default(), 10).await;
    let empty =
        LogPage { oldest: None, anchor: None, continuity: Continuity::Unbroken, events: Vec::new(), is_last: true };
    assert_eq!(page, empty);
    assert_eq!(after(&ledger, at(1, 3), 10).await.continuity, Continuity::Lost);
}

/// The log as it would be after the given events.
async fn with_log(positions: &[(u64, u64)]) -> (Server, Ledger) {
    let (server, ledger) = open_ledger().await;
    for amount in 1..=positions.last().unwrap().1 {
        place(&ledger, &bid("lot1", "alice", &amount.to_string())).await;
    }
    let mut connection = raw(&server).await;
    let keys: Vec<String> = redis::cmd("KEYS").arg("a:*:l:lot1").query_async(&mut connection).await.unwrap();
    let () = redis::cmd("DEL").arg(&keys[0]).query_async(&mut connection).await.unwrap();
    for (epoch, seq) in positions {
        let event_id = uuid::Uuid::from_u64_pair(*epoch, *seq);
        let record = format!("bid lot1 {epoch} {seq} {seq} {event_id} {event_id} alice {seq} 0");
        let add = redis::cmd("XADD").arg(&keys[0]).arg(format!("{seq}-0")).arg("r").arg(record).to_owned();
        let () = add.query_async(&mut connection).await.unwrap();
    }
    (server, ledger)
}

#[tokio::test]
async fn a_page_tells_whether_its_events_follow_the_position() {
    use Continuity::{Lost, Trimmed, Unbroken};
    let trimmed = [(1, 3), (1, 4), (3, 5), (3, 6)];
    let (_server, ledger) = with_log(&trimmed).await;
    for (position, continuity, first) in [
        (at(1, 0), Trimmed, 3),
        (at(1, 1), Trimmed, 3),
        (at(1, 2), Unbroken, 3),
        // What stood at 2 in another epoch is not known.
        (at(2, 2), Trimmed, 3),
        (at(1, 3), Unbroken, 4),
        // The item went into epoch 2, and then into epoch 3, before its next bid.
        (at(1, 4), Unbroken, 5),
        (at(2, 4), Unbroken, 5),
        (at(3, 4), Unbroken, 5),
        // Epoch 2 did not begin there.
        (at(2, 3), Lost, 5),
        (at(4, 4), Lost, 7),
        // Redis lost these, and gave their numbers to others.
        (at(1, 5), Lost, 5),
        (at(2, 6), Lost, 5),
        (at(1, 9), Lost, 5),
        (at(3, 5), Unbroken, 6),
        (at(3, 6), Unbroken, 7),
        (at(4, 6), Unbroken, 7),
        (at(3, 7), Lost, 7),
    ] {
        let page = after(&ledger, position, 10).await;
        let expected: Vec<_> =
            trimmed.iter().filter(|(_, seq)| *seq >= first).map(|&(epoch, seq)| at(epoch, seq)).collect();
        assert_eq!((page.continuity, positions(&page)), (continuity, expected), "{position:?}");
        let one: Vec<_> = positions(&page).into_iter().take(1).collect();
        assert_eq!(positions(&after(&ledger, position, 1).await), one, "{position:?}");
    }
}

#[tokio::test]
async fn a_hole_is_left_for_the_reader_to_see() {
    let (_server, ledger) = with_log(&[(1, 1), (1, 2), (2, 5)]).await;
    let page = after(&ledger, at(1, 2), 10).await;
    assert_eq!((page.continuity, positions(&page)), (Continuity::Unbroken, vec![at(2, 5)]));
    assert_eq!(after(&ledger, at(1, 3), 10).await.continuity, Continuity::Lost);
}

#[tokio::test]
async fn an_entry_that_this_version_cannot_read_is_passed_over() {
    let (server, ledger) = with_log(&[(1, 1), (1, 2)]).await;
    let mut connection = raw(&server).await;
    let keys: Vec<String> = redis::cmd("KEYS").arg("a:*:l:lot1").query_async(&mut connection).await.unwrap();
    for (seq, record) in [(3, "hammer lot1 1 3 of a newer version"), (4, "bid lot1 1 4 4 0 0 alice 4 0")] {
        let add = redis::cmd("XADD").arg(&keys[0]).arg(format!("{seq}-0")).arg("r").arg(record).to_owned();
        let () = add.query_async(&mut connection).await.unwrap();
    }
    let record = "bid lot1 1 5 5 00000000-0000-0000-0000-000000000001 00000000-0000-0000-0000-000000000002 alice 5 0";
    let add = redis::cmd("XADD").arg(&keys[0]).arg("5-0").arg("r").arg(record).to_owned();
    let () = add.query_async(&mut connection).await.unwrap();
    let page = after(&ledger, at(1, 2), 10).await;
    assert_eq!((page.continuity, positions(&page)), (Continuity::Unbroken, vec![at(1, 5)]));
    // It has its place: who saw it as the last, whoever showed it, goes on behind it.
    for seq in [3, 4] {
        let page = after(&ledger, at(1, seq), 10).await;
        assert_eq!((page.continuity, positions(&page), page.is_last), (Continuity::Unbroken, vec![at(1, 5)], true));
    }
    // A page full of what cannot be read is not the end of the log.
    let page = after(&ledger, at(1, 2), 2).await;
    assert_eq!((positions(&page), page.is_last), (vec![], false));
    assert_eq!(after(&ledger, at(2, 3), 10).await.continuity, Continuity::Lost);
}
