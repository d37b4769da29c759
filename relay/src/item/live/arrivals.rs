//! Viewers that join an open item: live at once, or after what they missed.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use ledger::LogPage;
use tracing::debug;

use super::Live;
use crate::closing::Closing;
use crate::feed::Jump;
use crate::frame::{self, Scene};
use crate::hub::Freshness;
use crate::item::{
    Viewer, opening,
    resuming::{Question, Resumed},
};

impl Live<'_> {
    /// Those who came while the item was being opened.
    pub(super) fn greet_all(&mut self) {
        let mut arriving = self.task.viewers.take_all();
        while let Some(viewer) = arriving.pop() {
            self.greet(viewer, arriving.len() + 1);
        }
    }

    /// `arriving`: how many come with it, itself included.
    pub(super) fn greet(&mut self, viewer: Viewer, arriving: usize) {
        let freshness = *self.task.hub.freshness.borrow();
        if freshness == Freshness::GivenUp {
            return viewer.close(Closing::Unavailable);
        }
        let since = viewer.since.map(|since| since.position(self.feed.position().epoch));
        let subscribers = self.scene().subscribers + arriving;
        let scene = Scene { subscribers, ..self.scene() };
        let connected = frame::connected(scene, viewer.id, since, self.feed.state());
        let mut frames = vec![connected];
        if freshness == Freshness::Stale {
            frames.push(frame::stale(&self.task.item));
        }
        if !frames.into_iter().all(|frame| viewer.queue.try_send(frame).is_ok()) {
            return;
        }
        let now = Instant::now();
        match since {
            Some(since) if since != self.feed.position() => self.resuming.add(viewer, since, now),
            _ => self.task.viewers.join(viewer, now),
        }
    }

    /// Lets viewers whose replay is over go live, and begins to read what others miss.
    pub(super) fn resume(&mut self) {
        if self.resuming.is_empty() {
            return;
        }
        let finished = self.resuming.finished(&self.recent, Instant::now());
        self.finish(finished);
        if let Some(question) = self.resuming.next_read(self.feed.position()) {
            let (hub, item) = (Arc::clone(&self.task.hub), self.task.item.clone());
            let reading = async move { opening::log_after(&hub, &item, question.after).await };
            self.resuming.begin(question, Box::pin(reading));
        }
    }

    pub(super) fn take_resumers_page(&mut self, (asked, page): (Question, Result<LogPage>)) {
        match page {
            Ok(page) => {
                let finished = self.resuming.take_page(asked, &page, self.feed.position(), Instant::now());
                self.finish(finished);
            }
            Err(error) => {
                self.task.hub.metrics.reads_failed.inc();
                debug!(item = %self.task.item, "cannot read what viewers missed: {error:#}");
                // They come back, which is better than to wait here for who knows what.
                std::mem::take(&mut self.resuming).close_all(Closing::Unavailable);
            }
        }
    }

    fn finish(&mut self, finished: Vec<Resumed>) {
        for resumed in finished {
            match resumed {
                Resumed::Live(viewer) => self.task.viewers.join(viewer, Instant::now()),
                Resumed::Jump(viewer, reason, from) => {
                    let state = self.feed.state().clone();
                    let skipped = state.position.seq.saturating_sub(from.seq);
                    let frame = frame::state(self.scene(), &Jump { reason, state, skipped });
                    self.task.hub.metrics.snapshots.inc();
                    match viewer.queue.try_send(frame) {
                        Ok(()) => self.task.viewers.join(viewer, Instant::now()),
                        Err(_) => viewer.close(Closing::TooSlow),
                    }
                }
                Resumed::TooSlow(viewer) => {
                    self.task.hub.metrics.slow_viewers_closed.inc();
                    viewer.close(Closing::TooSlow);
                }
                Resumed::GivenUp(viewer) => viewer.close(Closing::Unavailable),
            }
        }
    }
}
