//! Whether a position is part of the history that a log tells.

use auction::Position;

use super::Continuity;

impl Continuity {
    /// `from_seq`: where the log's events stand, from the seq of the position on, itself included if the log still has it.
    ///
    /// An item is put into a later epoch where it stands, without an event. So the event at a position may be of an earlier
    /// epoch than the position, but the next one is not.
    pub fn of(after: Position, oldest: Option<Position>, from_seq: &[Position]) -> Self {
        let Some(oldest) = oldest else {
            return if after.seq == 0 { Self::Unbroken } else { Self::Lost };
        };
        if oldest.seq > after.seq {
            let is_next = oldest.seq == after.seq + 1;
            // Without the event itself only its epoch tells that there was no other in its place.
            let is_known = after.seq == 0 || oldest.epoch == after.epoch;
            return if is_next && is_known { Self::Unbroken } else { Self::Trimmed };
        }
        match from_seq {
            [anchor, rest @ ..]
                if anchor.seq == after.seq
                    && anchor.epoch <= after.epoch
                    && rest.first().is_none_or(|next| next.epoch >= after.epoch) =>
            {
                Self::Unbroken
            }
            _ => Self::Lost,
        }
    }
}
