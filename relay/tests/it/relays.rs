//! Several relays, and the end of one.

use std::time::{Duration, Instant};

use crate::client::Client;
use crate::stage::{Relay, Stage, frames, until};

#[tokio::test(flavor = "multi_thread")]
async fn two_relays_show_the_same() {
    let stage = Stage::start().await;
    let other = Relay::start(&stage.redis, &stage.nats, |_| {}).await;
    until("it is connected", async || other.stats().await["nats_connected"] == true).await;
    let mut one = stage.viewer("lot1").await;
    let mut two = Client::connect(other.address, "lot1").await;
    let mut placed = Vec::new();
    for amount in 1..200 {
        let bid = stage.accept("lot1", amount).await;
        // Some are lost by NATS: each relay finds them by itself.
        if amount % 5 != 0 {
            stage.publish(&bid).await;
        }
        placed.push(bid);
    }
    let expected = frames(&placed);
    assert_eq!(one.frames(expected.len()).await, expected);
    assert_eq!(two.frames(expected.len()).await, expected);
    // Whoever comes from the one goes on at the other.
    stage.relay.shutdown.cancel();
    let (_, close) = one.until_closed().await;
    assert_eq!(u16::from(close.code), 1012);
    let mut moved = Client::connect(other.address, "lot1?since=150&epoch=1").await;
    assert_eq!(moved.frames(expected.len() - 150).await, expected[150..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_stops_tells_its_viewers_one_after_the_other_and_each_another_time_to_come_back() {
    let stage = Stage::start_with(|config| config.drain = Duration::from_secs(2)).await;
    let mut viewers = Vec::new();
    for _ in 0..40 {
        viewers.push(stage.viewer("lot1").await);
    }
    let stopping = Instant::now();
    stage.relay.shutdown.cancel();
    let mut ends = Vec::new();
    let (mut still_shown, mut delays) = (0, Vec::new());
    // Bids go on meanwhile.
    let bids = async {
        for amount in 1..20 {
            stage.bid("lot1", amount).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let watching = async {
        for viewer in viewers {
            ends.push(tokio::spawn(async move {
                let (frames, close) = viewer.until_closed().await;
                (frames.len(), close, Instant::now())
            }));
        }
        let mut ended = Vec::new();
        for end in ends {
            ended.push(end.await.unwrap());
        }
        ended
    };
    let (ended, ()) = tokio::join!(watching, bids);
    let mut at: Vec<Duration> = Vec::new();
    for (frames, close, when) in ended {
        assert_eq!(u16::from(close.code), 1012);
        let delay = close.reason.strip_prefix("restarting, come back in ").unwrap().strip_suffix(" ms").unwrap();
        delays.push(delay.parse::<u64>().unwrap());
        still_shown += frames;
        at.push(when - stopping);
    }
    at.sort();
    assert!(at[39] - at[0] >= Duration::from_secs(1), "not all at once: {at:?}");
    assert!(still_shown > 0, "who is still there is shown what happens");
    delays.sort_unstable();
    delays.dedup();
    assert!(delays.len() > 20 && delays.iter().all(|delay| *delay <= 1_000), "{delays:?}");
}
