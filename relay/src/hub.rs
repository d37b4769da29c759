//! The items that are being watched.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auction::ItemId;
use ledger::Ledger;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::bus::Bus;
use crate::config::{Config, SlowViewers};
use crate::engine::Engine;
use crate::item::{ItemHandle, Task};
use crate::limits;
use crate::metrics::Metrics;
use crate::places::Places;
use crate::ring::Ring;

pub(crate) struct Hub {
    pub(crate) ledger: Ledger,
    pub(crate) bus: Bus,
    /// Bounds the readings of all items together.
    pub(crate) reads: Semaphore,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) freshness: watch::Sender<Freshness>,
    pub(crate) engine: Engine,
    pub(crate) places: Arc<Places>,
    pub(crate) slow_viewers: SlowViewers,
    pub(crate) subscribers_interval: Option<Duration>,
    ring_frames: usize,
    runtime: Handle,
    tasks: TaskTracker,
    items_max: usize,
    items: Mutex<HashMap<ItemId, Arc<ItemHandle>>>,
}

/// Whether anybody tells the relay what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    Fresh,
    /// Neither NATS nor Redis does.
    Stale,
    /// For so long that viewers should try elsewhere.
    GivenUp,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) items: usize,
    pub(crate) subscribers: usize,
}

impl Hub {
    pub(crate) fn new(
        (ledger, bus): (Ledger, Bus),
        metrics: Arc<Metrics>,
        (tasks, shutdown): (TaskTracker, CancellationToken),
        (engine, places): (Engine, Arc<Places>),
        config: &Config,
    ) -> Arc<Self> {
        let reads = Semaphore::new(limits::READS_MAX);
        let (freshness, _) = watch::channel(Freshness::Fresh);
        let items = Mutex::default();
        Arc::new(Self {
            ledger,
            bus,
            reads,
            metrics,
            shutdown,
            freshness,
            engine,
            places,
            slow_viewers: config.slow_viewers,
            subscribers_interval: config.subscribers_interval,
            ring_frames: config.ring_frames,
            runtime: Handle::current(),
            tasks,
            items_max: config.connections_max,
            items,
        })
    }

    /// The item's task, started if nobody watches it yet. It lives at least as long as the handle is held. `None`: too
    /// many items are watched.
    pub(crate) fn watch(self: &Arc<Self>, item: &ItemId) -> Option<Arc<ItemHandle>> {
        let mut items = self.lock();
        if let Some(handle) = items.get(item).filter(|handle| !handle.has_ended()) {
            return Some(Arc::clone(handle));
        }
        if items.len() >= self.items_max {
            return None;
        }
        #[expect(clippy::disallowed_methods, reason = "a few commands for each viewer, and viewers are bounded")]
        let (sender, commands) = mpsc::unbounded_channel();
        let ring = Ring::new(self.engine.shards(), self.ring_frames);
        let handle = Arc::new(ItemHandle::new(item.clone(), sender, ring));
        items.insert(item.clone(), Arc::clone(&handle));
        drop(items);
        let task = Task::new(item.clone(), Arc::clone(self), commands, Arc::clone(handle.shared()));
        let (hub, item) = (Arc::clone(self), item.clone());
        let life = async move {
            task.run().await;
            hub.forget_ended(&item);
        };
        // A shard asks for items, too, and is no thread of the runtime.
        self.tasks.spawn_on(life, &self.runtime);
        Some(handle)
    }

    /// Takes the item off the list if nobody but the list holds its handle. Its task may end then: a viewer that comes
    /// later finds no handle and starts a new one.
    pub(crate) fn retire(&self, item: &ItemId) -> bool {
        let mut items = self.lock();
        let unused = items.get(item).is_some_and(|handle| Arc::strong_count(handle) == 1);
        if unused {
            items.remove(item);
        }
        unused
    }

    fn forget_ended(&self, item: &ItemId) {
        let mut items = self.lock();
        if items.get(item).is_some_and(|handle| handle.has_ended()) {
            items.remove(item);
        }
    }

    pub(crate) fn watches_nothing(&self) -> bool {
        self.lock().is_empty()
    }

    /// Has items look where they stand: events may have been missed that nothing shows yet.
    pub(crate) fn look_again(&self, is_concerned: impl Fn(&ItemId) -> bool) {
        let items = self.lock();
        items.iter().filter(|(item, _)| is_concerned(item)).for_each(|(_, handle)| handle.look_again());
    }

    pub(crate) fn subscribers(&self, item: &ItemId) -> usize {
        self.lock().get(item).map_or(0, |handle| handle.subscribers())
    }

    pub(crate) fn counts(&self) -> Counts {
        let items = self.lock();
        Counts { items: items.len(), subscribers: items.values().map(|handle| handle.subscribers()).sum() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ItemId, Arc<ItemHandle>>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
