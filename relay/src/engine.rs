//! The connections of all viewers: a few threads, each with its own, write what items have to show.
//!
//! An item has one ring of frames, and every live viewer knows its place there. Nothing is queued for a viewer but what is
//! said to it alone, so that one who stalls costs nothing but its place.

mod allowance;
mod audience;
mod batch;
mod connection;
mod mailbox;
mod newcomer;
mod outlet;
mod shard;
mod stream;
mod wheel;

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use mio::{Poll, Waker};
use tokio::sync::oneshot;
use tracing::error;

pub(crate) use self::mailbox::{Command, Mailbox, SeatKey, Waiting};
pub(crate) use self::newcomer::{Newcomer, Purpose};
pub(crate) use self::outlet::Outlet;
use self::shard::{Shard, WAKE};
pub(crate) use self::stream::{Listener, Streamed, stream};
use crate::hub::Hub;
use crate::item::Shared;

pub(crate) struct Engine {
    shards: Box<[Arc<Mailbox>]>,
    /// So many viewers of an item stay in one shard.
    spread_above: usize,
}

/// What the shards need to begin.
pub(crate) struct Beginnings(Vec<(Poll, Arc<Mailbox>, mpsc::Receiver<Command>)>);

impl Engine {
    pub(crate) fn new(shards: usize, spread_above: usize) -> Result<(Self, Beginnings)> {
        let mut beginnings = Vec::new();
        for _ in 0..shards {
            let poll = Poll::new().context("cannot make an epoll")?;
            let waker = Waker::new(poll.registry(), WAKE).context("cannot make an eventfd")?;
            let (mailbox, commands) = Mailbox::new(Some(waker));
            beginnings.push((poll, mailbox, commands));
        }
        let shards = beginnings.iter().map(|(_, mailbox, _)| Arc::clone(mailbox)).collect();
        Ok((Self { shards, spread_above }, Beginnings(beginnings)))
    }

    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Where a viewer of an item goes: all to one thread, which saves the others the work; many are too many for one.
    pub(crate) fn adopt(&self, newcomer: Newcomer) {
        let shard = match &newcomer.purpose {
            Purpose::Item(item, _) => self.shard_for(&item.id().to_string(), item.shared()),
            Purpose::Many | Purpose::Echo => hash(&newcomer.outlet.number()) % self.shards.len(),
        };
        self.shards[shard].send(Command::Adopt(Box::new(newcomer)));
    }

    fn shard_for(&self, item: &str, shared: &Shared) -> usize {
        let home = hash(&item) % self.shards.len();
        match shared.ring.viewers(home) < self.spread_above {
            true => home,
            false => (0..self.shards.len()).min_by_key(|shard| shared.ring.viewers(*shard)).unwrap_or(home),
        }
    }

    /// There is something new in an item's ring.
    pub(crate) fn show(&self, shared: &Arc<Shared>) {
        for shard in shared.ring.to_tell() {
            self.shards[shard].send(Command::Show(Arc::clone(shared)));
        }
    }

    pub(crate) fn close_all(&self, shared: &Arc<Shared>, why: crate::closing::Closing) {
        for (index, shard) in self.shards.iter().enumerate() {
            if shared.ring.viewers(index) > 0 {
                shard.send(Command::CloseAll(Arc::clone(shared), why));
            }
        }
    }

    /// Tells all viewers to come back, evenly over a time. Returns when all have gone.
    pub(crate) async fn drain(&self, over: Duration) {
        let drained = self.shards.iter().map(|shard| {
            let (done, drained) = oneshot::channel();
            shard.send(Command::Drain(over, done));
            drained
        });
        for shard in drained.collect::<Vec<_>>() {
            // A shard that has ended has nobody left.
            let _ = shard.await;
        }
    }
}

impl Beginnings {
    /// Each shard in its own thread, until it is drained.
    pub(crate) fn start(self, hub: &Arc<Hub>) -> Result<()> {
        for (number, (poll, mailbox, commands)) in self.0.into_iter().enumerate() {
            let shard = Shard::new(number, poll, (mailbox, commands), Arc::clone(hub));
            let thread = thread::Builder::new().name(format!("shard-{number}"));
            thread.spawn(move || run(shard)).context("cannot start a thread")?;
        }
        Ok(())
    }
}

/// A relay without one of its shards would look healthy and show nothing. It holds no truth: better that it is started again.
fn run(shard: Shard) {
    if catch_unwind(AssertUnwindSafe(|| shard.run())).is_err() {
        error!("a shard has panicked: the relay ends");
        std::process::abort();
    }
}

/// The same in every relay: no secret is kept from anybody by it.
fn hash(of: &impl std::hash::Hash) -> usize {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(of) as usize
}
