//! Viewers that come back, and are shown what they missed before they go live.
//!
//! What they missed is read from the log, page by page, and one page serves everyone whose place it passes. A viewer goes
//! live when the last event that it was shown is among the last that everybody was shown: from there on nothing is
//! missing and nothing comes twice.

mod resumer;

use std::pin::Pin;
use std::time::Instant;

use anyhow::Result;
use auction::Position;
use ledger::{Continuity, LogPage};

use self::resumer::{Place, Resumer};
use super::{Viewer, recent::Recent};
use crate::closing::Closing;
use crate::engine::SeatKey;
use crate::feed::{JumpReason, Published};
use crate::frame::Frame;
use crate::limits;

type Reading = Pin<Box<dyn Future<Output = Result<LogPage>> + Send>>;

#[derive(Default)]
pub(super) struct Resuming {
    resumers: Vec<Resumer>,
    reading: Option<(Question, Reading)>,
}

/// What is asked of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) after: Position,
    /// Where everybody was when it was asked.
    pub(super) asked_at: Position,
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

    pub(super) fn add(&mut self, viewer: Viewer, after: Position, now: Instant) {
        self.resumers.push(Resumer::new(viewer, after, now));
    }

    pub(super) fn leave(&mut self, seat: SeatKey) {
        self.resumers.retain(|resumer| resumer.viewer.seat() != seat);
    }

    /// Something that all are told, wherever they are.
    pub(super) fn tell(&self, frame: &Frame) {
        self.resumers.iter().for_each(|resumer| resumer.viewer.show(frame));
    }

    pub(super) fn close_all(self, why: Closing) {
        self.resumers.into_iter().for_each(|resumer| resumer.viewer.close(why));
    }

    /// After a snapshot the log is asked again.
    pub(super) fn history_changed(&mut self) {
        self.reading = None;
    }

    /// Who has come to where everybody is, and who has waited for too long.
    pub(super) fn finished(&mut self, recent: &Recent, now: Instant) -> Vec<Resumed> {
        let mut finished = Vec::new();
        for resumer in std::mem::take(&mut self.resumers) {
            match recent.after(resumer.after) {
                Some(rest) if resumer.has_room_for(rest.len()) => {
                    rest.for_each(|frame| resumer.show(frame));
                    finished.push(Resumed::Live(resumer.viewer));
                }
                _ if now < resumer.until => self.resumers.push(resumer),
                None if resumer.has_room_for(limits::LOG_PAGE_EVENTS) => {
                    finished.push(Resumed::GivenUp(resumer.viewer));
                }
                _ => finished.push(Resumed::TooSlow(resumer.viewer)),
            }
        }
        finished
    }

    /// What to ask the log next: what the one who is furthest behind, and has room for a page, has missed.
    pub(super) fn next_read(&self, here: Position) -> Option<Question> {
        let asking = self.resumers.iter().filter(|resumer| resumer.waits_at != Some(here));
        let with_room = asking.filter(|resumer| resumer.has_room_for(limits::LOG_PAGE_EVENTS));
        let after = with_room.map(|resumer| resumer.after).min().filter(|_| self.reading.is_none())?;
        Some(Question { after, asked_at: here })
    }

    pub(super) fn begin(&mut self, question: Question, reading: Reading) {
        self.reading = Some((question, reading));
    }

    /// The page that is being read. Never ends if there is none.
    pub(super) async fn page(&mut self) -> (Question, Result<LogPage>) {
        let Some((question, reading)) = &mut self.reading else { return std::future::pending().await };
        let read = (*question, reading.await);
        self.reading = None;
        read
    }

    /// Shows a page to everyone whose place it passes, up to where everybody is.
    pub(super) fn take_page(&mut self, asked: Question, page: &LogPage, here: Position, now: Instant) -> Vec<Resumed> {
        let frames: Vec<Frame> = match page.continuity {
            Continuity::Unbroken => page.events.iter().map(encoded).collect(),
            Continuity::Trimmed | Continuity::Lost => Vec::new(),
        };
        let mut finished = Vec::new();
        for mut resumer in std::mem::take(&mut self.resumers) {
            let is_in_page = frames.binary_search_by_key(&resumer.after, Frame::position).is_ok();
            let is_concerned = resumer.after == asked.after || is_in_page;
            if !is_concerned || !resumer.has_room_for(frames.len()) {
                self.resumers.push(resumer);
                continue;
            }
            let known = resumer.after;
            let place = match page.continuity {
                Continuity::Trimmed => Place::Cut(JumpReason::LogTrimmed),
                Continuity::Lost => resumer.guess_again(page.anchor),
                Continuity::Unbroken => resumer.follow(&frames, here),
            };
            match place {
                Place::Cut(reason) => finished.push(Resumed::Jump(resumer.viewer, reason, resumer.after)),
                Place::OnTheWay if resumer.after != known => {
                    resumer.until = now + limits::RESUME_PATIENCE;
                    match resumer.after == here {
                        true => finished.push(Resumed::Live(resumer.viewer)),
                        false => self.resumers.push(resumer),
                    }
                }
                Place::OnTheWay => match end_of_log(asked, known, page, here) {
                    End::WithEverybody => finished.push(Resumed::Live(resumer.viewer)),
                    End::Behind => {
                        finished.push(Resumed::Jump(resumer.viewer, JumpReason::LogTrimmed, known));
                    }
                    End::Ahead => {
                        // A page that was read for another says less: it asks for itself.
                        resumer.waits_at = (asked.after == known).then_some(asked.asked_at);
                        self.resumers.push(resumer);
                    }
                },
            }
        }
        finished
    }
}

/// What it means for a viewer that the log has nothing to show it.
enum End {
    /// The item may have been put into a later epoch since, without an event.
    WithEverybody,
    /// Everybody was shown more when the log was asked. Redis has lost it, or only a newer version can read it.
    Behind,
    /// Everybody will be shown the rest soon, or a snapshot.
    Ahead,
}

fn end_of_log(asked: Question, known: Position, page: &LogPage, here: Position) -> End {
    let has_more = page.events.iter().any(|event| event.position > known);
    match () {
        () if known.seq == here.seq && asked == (Question { after: known, asked_at: here }) => End::WithEverybody,
        () if !has_more && (!page.is_last || known.seq < asked.asked_at.seq) => End::Behind,
        () => End::Ahead,
    }
}

fn encoded(event: &auction::AuctionEvent) -> Frame {
    Published::encode(event.clone()).frame
}

#[cfg(test)]
mod room;
#[cfg(test)]
mod tests;
