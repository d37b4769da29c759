//! A viewer that listens to Server-Sent Events: frames go to the task that writes its HTTP response.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::mailbox::{Command, Mailbox};
use super::outlet::Gone;
use crate::closing::Closing;
use crate::frame::Frame;
use crate::limits::STREAM_FRAMES_MAX;

/// What the task writes.
pub(crate) enum Streamed {
    Frame(Frame),
    /// Keeps the connection from being cut as idle.
    Ping,
    /// The last. `retry_after_ms`
    Close(Closing, u32),
}

/// The shard's end.
pub(crate) struct Stream {
    /// Ends the connection, which may wait for a client that does not read.
    _connection: DropGuard,
    sender: mpsc::Sender<Streamed>,
    link: Arc<Link>,
}

/// The task's end.
pub(crate) struct Listener {
    receiver: mpsc::Receiver<Streamed>,
    link: Arc<Link>,
}

#[derive(Default)]
struct Link {
    /// The connection in the shard.
    owner: OnceLock<(Arc<Mailbox>, u32, u32)>,
    /// There was no room for something.
    is_full: AtomicBool,
}

/// `connection`: is cancelled when the engine has done with the viewer.
pub(crate) fn stream(connection: CancellationToken) -> (Stream, Listener) {
    let (sender, receiver) = mpsc::channel(STREAM_FRAMES_MAX);
    let link = Arc::<Link>::default();
    let _connection = connection.drop_guard();
    (Stream { _connection, sender, link: Arc::clone(&link) }, Listener { receiver, link })
}

impl Stream {
    pub(super) fn belongs_to(&self, mailbox: &Arc<Mailbox>, key: u32, serial: u32) {
        // A stream has one connection.
        let _ = self.link.owner.set((Arc::clone(mailbox), key, serial));
    }

    /// False: there is no room. The shard is told when there is.
    pub(super) fn send(&self, streamed: Streamed) -> Result<bool, Gone> {
        let refused = match self.sender.try_send(streamed) {
            Ok(()) => return Ok(true),
            Err(TrySendError::Closed(_)) => return Err(Gone),
            Err(TrySendError::Full(refused)) => refused,
        };
        self.link.is_full.store(true, Ordering::SeqCst);
        // There may have been room before the task could know that it is waited for.
        match self.sender.try_send(refused) {
            Ok(()) => Ok(true),
            Err(TrySendError::Full(_)) => Ok(false),
            Err(TrySendError::Closed(_)) => Err(Gone),
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        self.sender.is_closed()
    }
}

impl Listener {
    pub(crate) async fn next(&mut self) -> Option<Streamed> {
        let next = self.receiver.recv().await;
        if self.link.is_full.swap(false, Ordering::SeqCst) {
            self.link.tell();
        }
        next
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.receiver.close();
        self.link.tell();
    }
}

impl Link {
    fn tell(&self) {
        if let Some((mailbox, key, serial)) = self.owner.get() {
            mailbox.send(Command::Unblocked(*key, *serial));
        }
    }
}
