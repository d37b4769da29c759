//! Why a viewer is closed, and what it is told: one table.

use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// The relay stops or restarts. Come back.
    Restart,
    /// It has read nothing for too long. Come back: a new snapshot is cheaper than everything missed.
    TooSlow,
    /// The item's state cannot be read now. Come back later.
    Unavailable,
    /// Nothing was heard for too long. Come back, if you are there.
    Silent,
    /// It has subscribed to nothing for too long. Come back when there is something to watch.
    Idle,
    /// Too many messages, or too many bytes. Do not come back.
    Flooding,
    /// Not the WebSocket protocol. Do not come back.
    Malformed,
    /// A text that is not UTF-8. Do not come back.
    NotUtf8,
    /// A message over the limit. Do not come back.
    TooBig,
}

impl Closing {
    /// `retry_after_ms`: when to come back, another time for each viewer, so that they do not all come at once.
    pub(crate) fn frame(self, retry_after_ms: u32) -> CloseFrame {
        let (code, reason) = match self {
            Self::Restart => (CloseCode::Restart, "restarting"),
            Self::TooSlow => (CloseCode::Again, "too slow"),
            Self::Unavailable => (CloseCode::Again, "the item cannot be read now"),
            Self::Silent => (CloseCode::Away, "nothing heard for 60 s"),
            Self::Idle => (CloseCode::Away, "no subscription for 60 s"),
            Self::Flooding => (CloseCode::Policy, "too much was said"),
            Self::Malformed => (CloseCode::Protocol, "not a valid frame"),
            Self::NotUtf8 => (CloseCode::Invalid, "not UTF-8"),
            Self::TooBig => (CloseCode::Size, "a message may have 4096 bytes"),
        };
        let reason = match self.is_to_come_back() {
            true => format!("{reason}, come back in {retry_after_ms} ms").into(),
            false => reason.into(),
        };
        CloseFrame { code, reason }
    }

    pub(crate) fn is_to_come_back(self) -> bool {
        matches!(self, Self::Restart | Self::TooSlow | Self::Unavailable | Self::Silent)
    }
}
