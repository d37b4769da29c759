//! One watched item: its task, and the handle that viewers hold on it.

mod live;
mod opening;
mod recent;
mod resuming;
mod task;
mod viewers;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use auction::Position;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use uuid::Uuid;

pub(crate) use self::task::Task;
use crate::closing::Closing;

/// The item's end of a viewer.
pub(crate) struct Viewer {
    pub(crate) id: Uuid,
    /// Frames to show. Bounded, and never waited for.
    pub(crate) queue: mpsc::Sender<Utf8Bytes>,
    pub(crate) closing: oneshot::Sender<Closing>,
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

impl Viewer {
    fn close(self, why: Closing) {
        // The connection may have ended by itself meanwhile.
        let _ = self.closing.send(why);
    }
}

pub(crate) enum Command {
    Join(Viewer),
    Leave(Uuid),
}

/// Keeps the item's task alive while it is held.
pub(crate) struct ItemHandle {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
}

/// What passes between the handle and the task without a queue.
#[derive(Default)]
pub(crate) struct Shared {
    subscribers: AtomicUsize,
    /// Kept until the task gets to it. Being told many times means no more than once.
    look_again: Notify,
}

#[derive(Debug, thiserror::Error)]
#[error("the item's task has ended")]
pub(crate) struct Ended;

impl ItemHandle {
    pub(crate) fn new(commands: mpsc::Sender<Command>) -> Self {
        Self { commands, shared: Arc::default() }
    }

    pub(crate) async fn send(&self, command: Command) -> Result<(), Ended> {
        self.commands.send(command).await.map_err(|_| Ended)
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

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}
