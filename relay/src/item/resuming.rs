//! Viewers that come back, and are shown what they missed before they go live.
//!
//! What they missed is read from the log, page by page, and one page serves everyone whose place it passes. A viewer goes
//! live when the last event that it was shown is among the last that everybody was shown: from there on nothing is
//! missing and nothing comes twice.

use std::pin::Pin;
use std::time::Instant;

use anyhow::Result;
use auction::Position;
use ledger::{Continuity, LogPage};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use uuid::Uuid;

use super::{Viewer, recent::Recent};
use crate::closing::Closing;
use crate::feed::{JumpReason, Published};
use crate::limits;

type Reading = Pin<Box<dyn Future<Output = Result<LogPage>> + Send>>;

#[derive(Default)]
pub(super) struct Resuming {
    resumers: Vec<Resumer>,
    reading: Option<(Position, Reading)>,
}

struct Resumer {
    viewer: Viewer,
    /// The last event that it knows.
    after: Position,
    /// When it is given up, unless it is shown something before.
    until: Instant,
    /// It knows more than everybody was shown so far. The log has nothing for it.
    is_ahead: bool,
}

/// A viewer whose replay is over.
pub(super) enum Resumed {
    Live(Viewer),
    /// What it missed cannot be shown: a snapshot takes its place.
    Jump(Viewer, JumpReason, Position),
    TooSlow(Viewer),
    GivenUp(Viewer),
}

impl Resuming {
    pub(super) fn is_empty(&self) -> bool {
        self.resumers.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.resumers.len()
    }

    pub(super) fn add(&mut self, viewer: Viewer, after: Position, now: Instant) {
        self.resumers.push(Resumer { viewer, after, until: now + limits::RESUME_PATIENCE, is_ahead: false });
    }

    pub(super) fn leave(&mut self, id: Uuid) {
        self.resumers.retain(|resumer| resumer.viewer.id != id);
    }

    pub(super) fn close_all(self, why: Closing) {
        self.resumers.into_iter().for_each(|resumer| resumer.viewer.close(why));
    }

    /// After a snapshot the log is asked again.
    pub(super) fn history_changed(&mut self) {
        self.resumers.iter_mut().for_each(|resumer| resumer.is_ahead = false);
    }

    /// Who has come to where everybody is, and who has waited for too long.
    pub(super) fn finished(&mut self, recent: &Recent, now: Instant) -> Vec<Resumed> {
        let mut finished = Vec::new();
        let done = |resumer: &mut Resumer| recent.after(resumer.after).is_some() || resumer.until <= now;
        for Resumer { viewer, after, .. } in self.resumers.extract_if(.., done) {
            finished.push(match recent.after(after) {
                Some(mut rest) => match rest.all(|frame| viewer.queue.try_send(frame.clone()).is_ok()) {
                    true => Resumed::Live(viewer),
                    false => Resumed::TooSlow(viewer),
                },
                None => Resumed::GivenUp(viewer),
            });
        }
        finished
    }

    /// Where to read the log next: at the one who is furthest behind and has room for a page.
    pub(super) fn next_read(&self) -> Option<Position> {
        let waiting = self.resumers.iter().filter(|resumer| !resumer.is_ahead);
        let with_room = waiting.filter(|resumer| resumer.viewer.queue.capacity() > limits::LOG_PAGE_EVENTS);
        with_room.map(|resumer| resumer.after).min().filter(|_| self.reading.is_none())
    }

    pub(super) fn begin(&mut self, after: Position, reading: Reading) {
        self.reading = Some((after, reading));
    }

    /// The page that is being read. Never ends if there is none.
    pub(super) async fn page(&mut self) -> (Position, Result<LogPage>) {
        let Some((after, reading)) = &mut self.reading else { return std::future::pending().await };
        let read = (*after, reading.await);
        self.reading = None;
        read
    }

    /// Shows a page to everyone whose place it passes, up to where everybody is.
    pub(super) fn take_page(&mut self, from: Position, page: &LogPage, up_to: Position, now: Instant) -> Vec<Resumed> {
        let frames: Vec<(Position, Utf8Bytes)> = match page.continuity {
            Continuity::Unbroken => page.events.iter().map(encoded).collect(),
            Continuity::Trimmed | Continuity::Lost => Vec::new(),
        };
        let mut finished = Vec::new();
        for mut resumer in std::mem::take(&mut self.resumers) {
            let is_in_page = frames.binary_search_by_key(&resumer.after, |(position, _)| *position).is_ok();
            if resumer.after != from && !is_in_page {
                self.resumers.push(resumer);
                continue;
            }
            match (page.continuity, resumer.show(&frames, up_to, now)) {
                (Continuity::Trimmed, _) => {
                    finished.push(Resumed::Jump(resumer.viewer, JumpReason::LogTrimmed, resumer.after));
                }
                (Continuity::Lost, _) => finished.push(Resumed::Jump(resumer.viewer, JumpReason::Epoch, resumer.after)),
                (Continuity::Unbroken, Shown::All) => self.resumers.push(resumer),
                (Continuity::Unbroken, Shown::UpToDate) => finished.push(Resumed::Live(resumer.viewer)),
                (Continuity::Unbroken, Shown::UpToAHole) => {
                    finished.push(Resumed::Jump(resumer.viewer, JumpReason::LogTrimmed, resumer.after));
                }
                (Continuity::Unbroken, Shown::TooSlow) => finished.push(Resumed::TooSlow(resumer.viewer)),
            }
        }
        finished
    }
}

enum Shown {
    All,
    /// It knows all that everybody was shown.
    UpToDate,
    /// Redis lost what came next, and nobody could give it back.
    UpToAHole,
    TooSlow,
}

impl Resumer {
    fn show(&mut self, frames: &[(Position, Utf8Bytes)], up_to: Position, now: Instant) -> Shown {
        let known = self.after;
        for (position, frame) in frames.iter().filter(|(position, _)| *position > known && *position <= up_to) {
            if position.seq != self.after.seq + 1 {
                return Shown::UpToAHole;
            }
            if self.viewer.queue.try_send(frame.clone()).is_err() {
                return Shown::TooSlow;
            }
            self.after = *position;
        }
        // An item is put into a later epoch without an event.
        if self.after.seq == up_to.seq {
            return Shown::UpToDate;
        }
        if self.after == known {
            // Everybody is shown the rest soon, or a snapshot.
            self.is_ahead = true;
        } else {
            self.until = now + limits::RESUME_PATIENCE;
        }
        Shown::All
    }
}

fn encoded(event: &auction::AuctionEvent) -> (Position, Utf8Bytes) {
    (event.position, Published::encode(event.clone()).frame)
}
