//! Viewers that come, watch, stall, go and come back, and write down what they see.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use auction::{Amount, AuctionEvent, Position};
use futures_util::StreamExt;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::clock::Clock;
use crate::http::{Stream as Connection, Target};
use crate::load::Items;
use crate::random::{Stream, random};
use crate::record::{Seen, Sight, Snapshot, crc};

/// Why a connection ends after which a viewer is somebody new.
pub const STARTS_ANEW: &str = "starts anew";

const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// For each viewer, at once: the default of 128 KiB would be a gigabyte for 8,000 of them.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Before coming back, in milliseconds: each viewer waits otherwise.
const RETURN_DELAY_MS: std::ops::Range<u64> = 100..1_000;
/// How long a viewer watches before it does something else, and how long it stalls.
const WATCH_MS: std::ops::Range<u64> = 2_000..30_000;
const STALL_MS: std::ops::Range<u64> = 500..8_000;

/// Where the items must be seen to stand before the viewers may go: the last seq of each. None while bids go on.
pub type Goal = Option<Arc<Vec<u64>>>;

pub struct Viewers {
    /// The number of the first.
    pub first: u32,
    pub count: u32,
    /// They watch them in turn.
    pub items: Items,
    pub seed: u64,
    /// Whether they behave like people, or just watch.
    pub restless: bool,
    pub relay: Target,
    pub clock: Clock,
}

impl Viewers {
    /// Watches until each has seen its goal, or the set is dropped.
    pub fn watch(self, sights: &mpsc::Sender<Sight>, goal: &watch::Receiver<Goal>) -> JoinSet<()> {
        let mut all = JoinSet::new();
        for number in self.first..self.first + self.count {
            let item = number % self.items.count;
            let name = self.items.name(item);
            let viewer = Viewer {
                number,
                item,
                relay: self.relay.clone(),
                name,
                restless: self.restless,
                clock: self.clock,
                sights: sights.clone(),
                goal: goal.clone(),
                random: random(self.seed, Stream::Viewer(number)),
                last: None,
            };
            all.spawn(viewer.live());
        }
        all
    }
}

struct Viewer {
    number: u32,
    /// Its place in the goal.
    item: u32,
    name: String,
    relay: Target,
    restless: bool,
    clock: Clock,
    sights: mpsc::Sender<Sight>,
    goal: watch::Receiver<Goal>,
    random: ChaCha8Rng,
    /// The last event it knows of.
    last: Option<Position>,
}

/// What a viewer does after it has watched for a while.
enum Whim {
    /// Stops reading, and goes on.
    Stall(Duration),
    /// Hangs up, and comes back for what it has missed.
    ComeBack,
    /// Hangs up, and comes as somebody new.
    StartAnew,
}

/// What a viewer reads of a frame that is no event.
#[derive(Deserialize)]
struct Notice {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    epoch: u64,
    #[serde(default)]
    seq: u64,
    current_bid: Option<Amount>,
    highest_bidder_id: Option<String>,
    since: Option<Position>,
    reason: Option<String>,
}

type Socket = WebSocketStream<Connection>;

impl Viewer {
    async fn live(mut self) {
        while !self.has_seen_all() {
            let ended = self.visit().await;
            if let Some(reason) = ended {
                self.tell(Seen::Ended(reason)).await;
            }
            let delay = self.random.random_range(RETURN_DELAY_MS);
            sleep(Duration::from_millis(delay)).await;
        }
    }

    /// One connection: why it ended.
    async fn visit(&mut self) -> Option<String> {
        let since = self.last.map(|last| format!("?since={}&epoch={}", last.seq, last.epoch)).unwrap_or_default();
        let mut socket = timeout(CONNECT_DEADLINE, self.connect(&since)).await.ok()?.ok()?;
        let asked = self.last;
        loop {
            let patience = Duration::from_millis(self.random.random_range(WATCH_MS));
            match self.watch(&mut socket, asked, Instant::now() + patience).await {
                Some(reason) => return Some(reason),
                None if !self.restless || self.goal.borrow().is_some() => {}
                None => match self.whim() {
                    Whim::Stall(duration) => sleep(duration).await,
                    Whim::ComeBack => return Some("comes back".to_owned()),
                    Whim::StartAnew => {
                        self.last = None;
                        return Some(STARTS_ANEW.to_owned());
                    }
                },
            }
        }
    }

    async fn connect(&self, since: &str) -> anyhow::Result<Socket> {
        // Whether it is wss is known to the connection.
        let url = format!("ws://{}/ws/items/{}{since}", self.relay.authority(), self.name);
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
        Ok(client_async_with_config(url, self.relay.connect().await?, Some(config)).await?.0)
    }

    fn whim(&mut self) -> Whim {
        match self.random.random_range(0..4) {
            0 => Whim::StartAnew,
            1 => Whim::Stall(Duration::from_millis(self.random.random_range(STALL_MS))),
            _ => Whim::ComeBack,
        }
    }

    /// Reads until the connection ends, or all is seen, and says why; or until a time.
    async fn watch(&mut self, socket: &mut Socket, asked: Option<Position>, until: Instant) -> Option<String> {
        let mut goal = self.goal.clone();
        loop {
            if self.has_seen_all() {
                return Some("has seen all".to_owned());
            }
            // Nothing but waiting is broken off: what is read is also written down.
            let message = tokio::select! {
                message = socket.next() => message,
                _ = goal.changed() => continue,
                () = sleep_until(until) => return None,
            };
            return Some(match message {
                Some(Ok(Message::Text(text))) => match read(text.as_bytes(), asked) {
                    Ok(Some(seen)) => {
                        self.note(seen).await;
                        continue;
                    }
                    Ok(None) => continue,
                    Err(error) => format!("unreadable: {error}"),
                },
                Some(Ok(Message::Close(Some(frame)))) => format!("closed with {}", u16::from(frame.code)),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(other)) => format!("unexpected: {other:?}"),
                Some(Err(error)) => error.to_string(),
                None => "cut off".to_owned(),
            });
        }
    }

    async fn note(&mut self, seen: Seen) {
        match &seen {
            Seen::Connected { snapshot, since, .. } => self.last = Some(since.unwrap_or(snapshot.position)),
            Seen::State { snapshot, .. } => self.last = Some(snapshot.position),
            Seen::Bid { position, .. } => self.last = Some(*position),
            Seen::Stale | Seen::Live | Seen::Ended(_) => {}
        }
        self.tell(seen).await;
    }

    async fn tell(&self, seen: Seen) {
        let sight = Sight { at: self.clock.now(), viewer: self.number, item: self.name.clone(), seen };
        let _ = self.sights.send(sight).await;
    }

    /// One that has seen more has yet to be told that Redis lost it.
    fn has_seen_all(&self) -> bool {
        let goal = self.goal.borrow();
        let wanted = goal.as_ref().and_then(|seqs| seqs.get(self.item as usize));
        wanted.is_some_and(|wanted| self.last.is_some_and(|last| last.seq == *wanted))
    }
}

/// `asked`: the position that the viewer came back with. `None`: what says nothing of the item's state.
fn read(frame: &[u8], asked: Option<Position>) -> anyhow::Result<Option<Seen>> {
    if let Ok(event) = AuctionEvent::from_json(frame) {
        let accepted_at = event.timestamp.microseconds().unsigned_abs();
        return Ok(Some(Seen::Bid { position: event.position, event: event.event_id, accepted_at, crc: crc(frame) }));
    }
    let notice: Notice = serde_json::from_slice(frame)?;
    let snapshot = || {
        let price = notice.current_bid.context("a snapshot without a price")?.minor_units();
        let position = Position { epoch: notice.epoch, seq: notice.seq };
        anyhow::Ok(Snapshot { position, price, leader: notice.highest_bidder_id })
    };
    Ok(Some(match notice.kind.as_str() {
        "connected" => Seen::Connected { snapshot: snapshot()?, asked, since: notice.since },
        "state" => Seen::State { snapshot: snapshot()?, reason: notice.reason.unwrap_or_default() },
        "stale" => Seen::Stale,
        "live" => Seen::Live,
        "subscribers" => return Ok(None),
        other => anyhow::bail!("a frame of the unknown type {other:?}"),
    }))
}
