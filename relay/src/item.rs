//! One watched item: its task, and the handle that viewers hold on it.

mod live;
mod opening;
mod recent;
mod resuming;
mod task;
mod waiting;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use auction::{ItemId, Position};
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

pub(crate) use self::task::Task;
use crate::closing::Closing;
use crate::engine::{self, Mailbox, SeatKey, Waiting};
use crate::frame::Frame;
use crate::limits::REPLAY_FRAMES_MAX;
use crate::ring::Ring;

/// The item's end of a viewer that is not live yet. A live one needs none: it reads the item's ring.
pub(crate) struct Viewer {
    pub(crate) id: Uuid,
    seat: SeatKey,
    shard: Arc<Mailbox>,
    /// How many frames wait to be written to it.
    waiting: Arc<AtomicUsize>,
    /// What it knows already.
    pub(crate) since: Option<Since>,
}

/// The last event that a viewer knows, as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Since {
    pub(crate) seq: u64,
    /// Without it: the epoch that the item is in.
    pub(crate) epoch: Option<u64>,
}

impl Since {
    fn position(self, present_epoch: u64) -> Position {
        Position { epoch: self.epoch.unwrap_or(present_epoch), seq: self.seq }
    }
}

/// An epoch is named, and nothing in it.
#[derive(Debug)]
pub(crate) struct EpochAlone;

impl Since {
    pub(crate) fn new(seq: Option<u64>, epoch: Option<u64>) -> Result<Option<Self>, EpochAlone> {
        match (seq, epoch) {
            (Some(seq), epoch) => Ok(Some(Self { seq, epoch })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(EpochAlone),
        }
    }
}

impl Viewer {
    /// `waiting`: of all viewers of its connection.
    pub(crate) fn new(shard: Arc<Mailbox>, seat: SeatKey, waiting: Arc<AtomicUsize>, since: Option<Since>) -> Self {
        Self { id: Uuid::now_v7(), seat, shard, waiting, since }
    }

    pub(crate) fn seat(&self) -> SeatKey {
        self.seat
    }

    /// For so many frames there is room before it has read what it was shown.
    pub(crate) fn room(&self) -> usize {
        REPLAY_FRAMES_MAX.saturating_sub(self.waiting.load(Ordering::Relaxed))
    }

    pub(crate) fn show(&self, frame: &Frame) {
        let waiting = Waiting::one_of(&self.waiting);
        self.shard.send(engine::Command::Tell(self.seat, frame.clone(), waiting));
    }

    /// From a number of the item's ring on it sees what all see; until then it stands at this position.
    pub(crate) fn go_live(self, from: u64, position: Position) {
        self.shard.send(engine::Command::GoLive(self.seat, from, position));
    }

    pub(crate) fn close(self, why: Closing) {
        self.shard.send(engine::Command::Close(self.seat, why));
    }
}

pub(crate) enum Command {
    Join(Viewer),
    Leave(SeatKey),
    /// A viewer was too slow for the ring, and has last seen this. It waits for a snapshot.
    FellBehind(Viewer, Position),
}

/// Keeps the item's task alive while it is held.
pub(crate) struct ItemHandle {
    id: ItemId,
    /// Bounded by the viewers: a few commands for each.
    commands: mpsc::UnboundedSender<Command>,
    shared: Arc<Shared>,
}

/// What passes between the item and its viewers without a queue.
pub(crate) struct Shared {
    /// What all viewers see.
    pub(crate) ring: Ring,
    subscribers: AtomicUsize,
    /// Kept until the task gets to it. Being told many times means no more than once.
    look_again: Notify,
}

#[derive(Debug, thiserror::Error)]
#[error("the item's task has ended")]
pub(crate) struct Ended;

impl Shared {
    pub(crate) fn new(ring: Ring) -> Arc<Self> {
        Arc::new(Self { ring, subscribers: AtomicUsize::new(0), look_again: Notify::new() })
    }
}

impl ItemHandle {
    pub(crate) fn new(id: ItemId, commands: mpsc::UnboundedSender<Command>, ring: Ring) -> Self {
        Self { id, commands, shared: Shared::new(ring) }
    }

    pub(crate) fn id(&self) -> &ItemId {
        &self.id
    }

    pub(crate) fn send(&self, command: Command) -> Result<(), Ended> {
        self.commands.send(command).map_err(|_| Ended)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.commands.is_closed()
    }

    pub(crate) fn subscribers(&self) -> usize {
        self.shared.subscribers.load(Ordering::Relaxed)
    }

    pub(crate) fn look_again(&self) {
        self.shared.look_again.notify_one();
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}
