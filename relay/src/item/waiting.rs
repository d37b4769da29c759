//! Viewers that wait for their item to be opened.

use std::time::{Duration, Instant};

use super::Viewer;
use crate::closing::Closing;
use crate::engine::SeatKey;

#[derive(Default)]
pub(super) struct Waiting(Vec<(Viewer, Instant)>);

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn join(&mut self, viewer: Viewer, now: Instant) {
        self.0.push((viewer, now));
    }

    pub(super) fn leave(&mut self, seat: SeatKey) {
        self.0.retain(|(viewer, _)| viewer.seat() != seat);
    }

    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Viewer> {
        std::mem::take(&mut self.0).into_iter().map(|(viewer, _)| viewer)
    }

    pub(super) fn close_impatient(&mut self, patience: Duration, now: Instant) {
        let impatient = self.0.extract_if(.., |(_, joined_at)| now.saturating_duration_since(*joined_at) >= patience);
        impatient.for_each(|(viewer, _)| viewer.close(Closing::Unavailable));
    }
}
