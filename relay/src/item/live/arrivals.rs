//! Viewers that join an open item: live at once, or after what they missed.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use auction::Position;
use ledger::LogPage;
use tracing::debug;

use super::Live;
use crate::closing::Closing;
use crate::feed::{Jump, JumpReason};
use crate::frame;
use crate::hub::Freshness;
use crate::item::{
    Viewer, opening,
    resuming::{Question, Resumed},
};

impl Live<'_> {
    /// Those who came while the item was being opened.
    pub(super) fn greet_all(&mut self) {
        let waiting: Vec<Viewer> = self.task.waiting.take_all().collect();
        waiting.into_iter().for_each(|viewer| self.greet(viewer));
    }

    pub(super) fn greet(&mut self, viewer: Viewer) {
        let freshness = *self.task.hub.freshness.borrow();
        if freshness == Freshness::GivenUp {
            return viewer.close(Closing::Unavailable);
        }
        let since = viewer.since.map(|since| since.position(self.feed.position().epoch));
        viewer.show(&frame::connected(self.scene(), viewer.id, since, self.feed.state()));
        if freshness == Freshness::Stale {
            viewer.show(&frame::stale(&self.task.item, self.feed.position()));
        }
        match since {
            Some(since) if since != self.feed.position() => self.resuming.add(viewer, since, Instant::now()),
            _ => self.go_live(viewer),
        }
    }

    fn go_live(&mut self, viewer: Viewer) {
        viewer.go_live(self.task.shared.ring.end(), self.feed.position());
    }

    /// A viewer is shown where the item stands in the place of what it missed.
    pub(super) fn catch_up(&mut self, viewer: Viewer, reason: JumpReason, last: Position) {
        let state = self.feed.state().clone();
        let skipped = state.position.seq.saturating_sub(last.seq);
        viewer.show(&frame::state(self.scene(), &Jump { reason, state, skipped }));
        self.task.hub.metrics.snapshots.inc();
        if *self.task.hub.freshness.borrow() == Freshness::Stale {
            viewer.show(&frame::stale(&self.task.item, self.feed.position()));
        }
        self.go_live(viewer);
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
                Resumed::Live(viewer) => self.go_live(viewer),
                Resumed::Jump(viewer, reason, last) => self.catch_up(viewer, reason, last),
                Resumed::TooSlow(viewer) => {
                    self.task.hub.metrics.slow_viewers_closed.inc();
                    viewer.close(Closing::TooSlow);
                }
                Resumed::GivenUp(viewer) => viewer.close(Closing::Unavailable),
            }
        }
    }
}
