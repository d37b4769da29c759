//! What a shard is told to do, from any thread and without waiting.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use auction::Position;
use mio::Waker;
use tokio::sync::oneshot;

use super::newcomer::Newcomer;
use crate::closing::Closing;
use crate::frame::Frame;
use crate::item::Shared;

pub(crate) enum Command {
    /// A connection whose handshake is done.
    Adopt(Box<Newcomer>),
    /// A frame for one viewer alone.
    Tell(SeatKey, Frame, Waiting),
    /// From this number of the item's ring on the viewer sees what all see. The position: where it stands.
    GoLive(SeatKey, u64, Position),
    Close(SeatKey, Closing),
    CloseAll(Arc<Shared>, Closing),
    /// There is something new in the item's ring.
    Show(Arc<Shared>),
    /// A viewer's stream of Server-Sent Events has room again, or has ended.
    Unblocked(u32, u32),
    /// All are told to come back, one after the other within this time. The answer comes when all have gone.
    Drain(Duration, oneshot::Sender<()>),
}

/// Where a viewer sits: a subscription of a connection. Keys of connections are used again, serial numbers of a shard are
/// not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeatKey {
    pub(crate) shard: usize,
    pub(crate) connection: u32,
    pub(crate) serial: u32,
}

/// Counts the frames that wait for one viewer alone: one less when this is dropped.
pub(crate) struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    pub(crate) fn one_of(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Never full: what is sent is bounded by connections and items, a few commands for each.
pub(crate) struct Mailbox {
    sender: mpsc::Sender<Command>,
    /// None in tests without a shard.
    waker: Option<Waker>,
    is_awake: AtomicBool,
}

impl Mailbox {
    pub(crate) fn new(waker: Option<Waker>) -> (Arc<Self>, mpsc::Receiver<Command>) {
        let (sender, receiver) = mpsc::channel();
        (Arc::new(Self { sender, waker, is_awake: AtomicBool::new(false) }), receiver)
    }

    pub(crate) fn send(&self, command: Command) {
        // A shard that has ended has no viewers.
        if self.sender.send(command).is_err() || self.is_awake.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Some(waker) = &self.waker {
            waker.wake().expect("an eventfd takes a number");
        }
    }

    /// The shard is about to look: who sends from now on wakes it.
    pub(super) fn looks(&self) {
        self.is_awake.store(false, Ordering::SeqCst);
    }
}
