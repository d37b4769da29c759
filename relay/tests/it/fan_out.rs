//! Many viewers, and slow ones.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::client::{self, Client};
use crate::stage::{Stage, frames, publish, publisher};

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_viewers_each_see_each_of_50_bids_once_and_in_order() {
    let stage = Stage::start().await;
    let mut viewers = Vec::new();
    for _ in 0..10 {
        viewers.extend(join_all((0..100).map(|_| stage.viewer("lot1"))).await);
    }
    assert_eq!(stage.relay.stats().await["subscribers"], 1000);
    let watching = viewers.into_iter().map(|mut viewer: Client| {
        tokio::spawn(async move {
            let seen = viewer.frames(50).await;
            (viewer, seen)
        })
    });
    let watching: Vec<_> = watching.collect();

    let placed = Arc::new(stage.accept_many("lot1", 1..51).await);
    // Five publishers, each with every fifth bid from another end, and the first with some of them twice.
    let publishing = (0..5).map(|first: usize| {
        let placed = Arc::clone(&placed);
        let nats = &stage.nats;
        async move {
            let publisher = publisher(nats).await;
            let mut own: Vec<usize> = (first..50).step_by(5).collect();
            own.rotate_left(first * 2);
            if first == 0 {
                own.extend([3, 30, 44]);
            }
            for which in own {
                publish(&publisher, &placed[which]).await;
            }
            publisher.flush().await.unwrap();
        }
    });
    join_all(publishing).await;

    let expected = frames(&placed);
    let mut viewers = Vec::new();
    for watched in watching {
        let (viewer, seen) = watched.await.unwrap();
        assert_eq!(seen, expected);
        viewers.push(viewer);
    }
    let last = stage.bid("lot1", 51).await;
    for viewer in &mut viewers {
        assert_eq!(viewer.frame().await, last);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_stops_reading_is_closed_and_told_to_come_back_and_the_others_miss_nothing() {
    let stage = Stage::start().await;
    let stalled = client::stalled(stage.relay.address, "lot1").await;
    let mut healthy = stage.viewer("lot1").await;
    let mut amount = 0;
    while stage.relay.stats().await["slow_viewers_closed"] == 0 {
        assert!(amount < 20_000, "nothing stalls");
        for _ in 0..100 {
            amount += 1;
            let bid = stage.bid("lot1", amount).await;
            assert_eq!(healthy.frame().await, bid);
        }
    }
    let (seen, close) = client::until_closed(stalled).await;
    assert_eq!(u16::from(close.code), 1013);
    assert!(close.reason.contains("too slow"), "{}", close.reason);
    let seqs = seen.iter().map(|frame| serde_json::from_str::<serde_json::Value>(frame).unwrap()["seq"].as_u64());
    assert_eq!(seqs.flatten().collect::<Vec<_>>(), (0..seen.len() as u64).collect::<Vec<_>>());
    let stats = stage.relay.stats().await;
    assert_eq!((&stats["slow_viewers_closed"], &stats["subscribers"]), (&1.into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_reads_more_slowly_than_the_relay_reads_the_log_is_waited_for() {
    let stage = Stage::start().await;
    let mut viewer = client::stalled(stage.relay.address, "lot1").await;
    let connected = client::text(&mut viewer).await;
    assert!(connected.contains("\"seq\":0"), "{connected}");
    let placed = stage.accept_many("lot1", 1..4_001).await;
    stage.publish(placed.last().unwrap()).await;
    stage.relay.until_stat("gaps_filled", 500).await;
    for placed in &placed {
        assert_eq!(client::text(&mut viewer).await, placed.event.to_json());
    }
    assert_eq!(stage.relay.stats().await["slow_viewers_closed"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_see_their_own_item_only() {
    let stage = Stage::start().await;
    let (mut one, mut two) = (stage.viewer("lot1").await, stage.viewer("lot2").await);
    let of_two = stage.bid("lot2", 7).await;
    let of_one = stage.bid("lot1", 7).await;
    assert_eq!((one.frame().await, two.frame().await), (of_one, of_two));
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_that_leave_are_forgotten() {
    let stage = Stage::start().await;
    let (leaving, mut staying) = (stage.viewer("lot1").await, stage.viewer("lot1").await);
    leaving.close().await;
    crate::stage::until("one has left", async || stage.relay.stats().await["subscribers"] == 1).await;
    drop(stage.viewer("lot1").await);
    crate::stage::until("another is gone", async || stage.relay.stats().await["subscribers"] == 1).await;
    let bid = stage.bid("lot1", 1).await;
    assert_eq!(staying.frame().await, bid);
}
