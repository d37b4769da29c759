//! The task of one watched item, from its first viewer until some time after its last.

use std::sync::Arc;
use std::time::Instant;

use auction::ItemId;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tracing::debug;

use super::live::Live;
use super::opening::{self, Opened};
use super::{Command, Shared, viewers::Viewers};
use crate::closing::Closing;
use crate::hub::Hub;
use crate::limits;

pub(crate) struct Task {
    pub(super) item: ItemId,
    pub(super) hub: Arc<Hub>,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) viewers: Viewers,
    pub(super) shared: Arc<Shared>,
}

impl Task {
    pub(crate) fn new(item: ItemId, hub: Arc<Hub>, commands: mpsc::Receiver<Command>, shared: Arc<Shared>) -> Self {
        let viewers = Viewers::new(Arc::clone(&shared), Arc::clone(&hub.metrics));
        Self { item, hub, commands, viewers, shared }
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
        self.viewers.close_all(Closing::Restart);
    }

    pub(super) fn obey(&mut self, command: Command) {
        match command {
            Command::Join(viewer) => self.viewers.join(viewer, Instant::now()),
            Command::Leave(id) => self.viewers.leave(id),
        }
        self.viewers.publish_count(0);
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
            self.viewers.close_waiting(limits::SNAPSHOT_WAIT_MAX, Instant::now());
            self.viewers.publish_count(0);
            if self.viewers.is_empty() && self.hub.retire(&self.item) {
                return None;
            }
        }
    }
}
