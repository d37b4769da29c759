//! One viewer that is shown what it missed.

use std::time::Instant;

use auction::Position;

use crate::feed::JumpReason;
use crate::frame::Frame;
use crate::item::Viewer;
use crate::limits;

pub(super) struct Resumer {
    pub(super) viewer: Viewer,
    /// The last event that it knows.
    pub(super) after: Position,
    /// When it is given up, unless it is shown something before.
    pub(super) until: Instant,
    /// The log had nothing for it when everybody was here.
    pub(super) waits_at: Option<Position>,
    /// Whether the epoch of what it knows is only supposed.
    epoch_is_guessed: bool,
}

/// Where a page leaves a viewer.
pub(super) enum Place {
    OnTheWay,
    /// What comes next cannot be shown.
    Cut(JumpReason),
}

impl Resumer {
    pub(super) fn new(viewer: Viewer, after: Position, now: Instant) -> Self {
        let until = now + limits::RESUME_PATIENCE;
        let epoch_is_guessed = viewer.since.is_some_and(|since| since.epoch.is_none());
        Self { viewer, after, until, waits_at: None, epoch_is_guessed }
    }

    pub(super) fn has_room_for(&self, frames: usize) -> bool {
        self.viewer.room() >= frames
    }

    pub(super) fn show(&self, frame: &Frame) {
        self.viewer.show(frame);
    }

    /// Shows what follows, but nothing that everybody has not been shown: it may be lost by now.
    pub(super) fn follow(&mut self, frames: &[Frame], here: Position) -> Place {
        let known = self.after;
        let is_shown = |position: Position| position > known && position <= here && position.seq <= here.seq;
        for frame in frames.iter().filter(|frame| is_shown(frame.position())) {
            let position = frame.position();
            if position.seq != self.after.seq + 1 {
                // Redis lost what came next, and nobody could give it back.
                return Place::Cut(JumpReason::LogTrimmed);
            }
            self.show(frame);
            self.after = position;
            // From now on it stands on what it was shown.
            self.epoch_is_guessed = false;
        }
        Place::OnTheWay
    }

    /// Who does not know the epoch of what it knows means the event that the log has there.
    pub(super) fn guess_again(&mut self, anchor: Option<Position>) -> Place {
        match anchor {
            Some(anchor) if std::mem::take(&mut self.epoch_is_guessed) => {
                self.after = anchor;
                Place::OnTheWay
            }
            _ => Place::Cut(JumpReason::Epoch),
        }
    }
}
