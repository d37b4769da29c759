//! The task of one watched item, from its first viewer until some time after its last.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use auction::ItemId;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tracing::debug;

use super::live::Live;
use super::opening::{self, Opened};
use super::{Command, Shared, waiting::Waiting};
use crate::closing::Closing;
use crate::hub::Hub;
use crate::limits;

pub(crate) struct Task {
    pub(super) item: ItemId,
    pub(super) hub: Arc<Hub>,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) waiting: Waiting,
    /// All viewers: those that wait, those that are shown what they missed, and those that are live.
    pub(super) subscribers: usize,
    pub(super) shared: Arc<Shared>,
}

impl Task {
    pub(crate) fn new(
        item: ItemId,
        hub: Arc<Hub>,
        commands: mpsc::UnboundedReceiver<Command>,
        shared: Arc<Shared>,
    ) -> Self {
        Self { item, hub, commands, waiting: Waiting::default(), subscribers: 0, shared }
    }

    /// Returns at shutdown, or when nobody watches any more.
    pub(crate) async fn run(mut self) {
        let shutdown = self.hub.shutdown.clone();
        let life = Box::pin(async {
            if let Some(Opened { subscription, standing }) = self.open().await {
                Live::new(&mut self, &standing).run(subscription).await;
            }
        });
        shutdown.run_until_cancelled(life).await;
        self.commands.close();
        while let Some(command) = self.commands.recv().await {
            self.obey(command);
        }
        self.waiting.take_all().for_each(|viewer| viewer.close(Closing::Restart));
        self.hub.engine.close_all(&self.shared, Closing::Restart);
    }

    pub(super) fn obey(&mut self, command: Command) {
        match self.count(command) {
            // Nobody was live here: it may as well wait with the others.
            Command::Join(viewer) | Command::FellBehind(viewer, _) => self.waiting.join(viewer, Instant::now()),
            Command::Leave(seat) => self.waiting.leave(seat),
        }
    }

    /// Each viewer joins once and leaves once.
    pub(super) fn count(&mut self, command: Command) -> Command {
        match command {
            Command::Join(_) => self.subscribers += 1,
            Command::Leave(_) => self.subscribers = self.subscribers.saturating_sub(1),
            Command::FellBehind(..) => {}
        }
        self.shared.subscribers.store(self.subscribers, Ordering::Relaxed);
        command
    }

    /// Opens the item, while viewers gather. `None`: nobody waits for it any more.
    async fn open(&mut self) -> Option<Opened> {
        let hub = Arc::clone(&self.hub);
        let item = self.item.clone();
        loop {
            let mut attempt = Box::pin(async {
                let opened = opening::open(&hub, &item).await;
                if opened.is_err() {
                    sleep(limits::OPEN_RETRY_DELAY).await;
                }
                opened
            });
            let opened = loop {
                tokio::select! {
                    opened = &mut attempt => break opened,
                    Some(command) = self.commands.recv() => self.obey(command),
                }
            };
            match opened {
                Ok(opened) => return Some(opened),
                Err(error) => debug!(item = %self.item, "cannot open the item: {error:#}"),
            }
            self.hub.metrics.openings_failed.inc();
            self.waiting.close_impatient(limits::SNAPSHOT_WAIT_MAX, Instant::now());
            if self.waiting.is_empty() && self.hub.retire(&self.item) {
                return None;
            }
        }
    }
}
