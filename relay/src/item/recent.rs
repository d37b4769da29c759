//! The last events that an item's viewers were shown, for viewers that come back soon.

use std::collections::VecDeque;

use auction::Position;

use crate::frame::Frame;
use crate::limits::RECENT_FRAMES_MAX;

pub(super) struct Recent {
    /// What the first frame followed.
    start: Position,
    frames: VecDeque<Frame>,
}

impl Recent {
    pub(super) fn new(start: Position) -> Self {
        Self { start, frames: VecDeque::new() }
    }

    pub(super) fn push(&mut self, frame: Frame) {
        if self.frames.len() == RECENT_FRAMES_MAX
            && let Some(first) = self.frames.pop_front()
        {
            self.start = first.position();
        }
        self.frames.push_back(frame);
    }

    /// What followed a position, if it is known.
    pub(super) fn after(&self, position: Position) -> Option<impl ExactSizeIterator<Item = &Frame>> {
        let skipped = match position == self.start {
            true => 0,
            false => self.frames.binary_search_by_key(&position, Frame::position).ok()? + 1,
        };
        Some(self.frames.range(skipped..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_followed_is_known_for_the_last_events_and_the_start() {
        let at = |epoch, seq| Position { epoch, seq };
        let mut recent = Recent::new(at(1, 4));
        let after = |recent: &Recent, position| {
            recent.after(position).map(|frames| frames.map(Frame::payload).collect::<Vec<_>>())
        };
        assert_eq!(after(&recent, at(1, 4)), Some(vec![]));
        recent.push(Frame::text(at(1, 5), "five"));
        recent.push(Frame::text(at(2, 6), "six"));
        assert_eq!(after(&recent, at(1, 4)), Some(vec!["five".into(), "six".into()]));
        assert_eq!(after(&recent, at(1, 5)), Some(vec!["six".into()]));
        assert_eq!(after(&recent, at(2, 6)), Some(vec![]));
        for unknown in [at(1, 3), at(1, 6), at(2, 5), at(2, 7)] {
            assert_eq!(after(&recent, unknown), None);
        }
        (7..).take(RECENT_FRAMES_MAX).for_each(|seq| recent.push(Frame::text(at(2, seq), "later")));
        assert_eq!(after(&recent, at(1, 5)), None);
        assert_eq!(after(&recent, at(2, 6)).map(|frames| frames.len()), Some(RECENT_FRAMES_MAX));
    }
}
