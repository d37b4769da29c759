//! One watched item: its task, and the handle that viewers hold on it.

mod live;
mod opening;
mod task;
mod viewers;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, oneshot};
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
}

pub(crate) enum Command {
    Join(Viewer),
    Leave(Uuid),
}

/// Keeps the item's task alive while it is held.
pub(crate) struct ItemHandle {
    commands: mpsc::Sender<Command>,
    subscribers: Arc<AtomicUsize>,
}

#[derive(Debug, thiserror::Error)]
#[error("the item's task has ended")]
pub(crate) struct Ended;

impl ItemHandle {
    pub(crate) fn new(commands: mpsc::Sender<Command>) -> Self {
        Self { commands, subscribers: Arc::default() }
    }

    pub(crate) async fn send(&self, command: Command) -> Result<(), Ended> {
        self.commands.send(command).await.map_err(|_| Ended)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.commands.is_closed()
    }

    pub(crate) fn subscribers(&self) -> usize {
        self.subscribers.load(Ordering::Relaxed)
    }

    pub(crate) fn subscribers_shared(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.subscribers)
    }
}
