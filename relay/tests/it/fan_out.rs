//! Many viewers.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::client::Client;
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
