//! Why a viewer is closed, and what it is told: one table.

use std::io;

use tokio_tungstenite::tungstenite::{
    Error,
    error::{CapacityError, ProtocolError},
    protocol::{CloseFrame, frame::coding::CloseCode},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// The relay stops or restarts. Come back.
    Restart,
    /// The viewer's queue was full. Come back: a new snapshot is cheaper than everything missed.
    TooSlow,
    /// The item's state cannot be read now. Come back later.
    Unavailable,
    /// Nothing was heard for too long. Come back, if you are there.
    Silent,
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
    pub(crate) fn frame(self) -> CloseFrame {
        let (code, reason) = match self {
            Self::Restart => (CloseCode::Restart, "restarting, come back"),
            Self::TooSlow => (CloseCode::Again, "too slow, come back"),
            Self::Unavailable => (CloseCode::Again, "the item cannot be read now, come back later"),
            Self::Silent => (CloseCode::Away, "nothing heard for 60 s, come back"),
            Self::Flooding => (CloseCode::Policy, "too much was said"),
            Self::Malformed => (CloseCode::Protocol, "not a valid frame"),
            Self::NotUtf8 => (CloseCode::Invalid, "not UTF-8"),
            Self::TooBig => (CloseCode::Size, "a message may have 4096 bytes"),
        };
        CloseFrame { code, reason: reason.into() }
    }

    /// What to tell a viewer whose bytes could not be read; `None` if there is nobody left to be told.
    pub(crate) fn of_read_error(error: &Error) -> Option<Self> {
        match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => Some(Self::TooBig),
            Error::Utf8(_) => Some(Self::NotUtf8),
            Error::Io(error) if error.kind() == io::ErrorKind::QuotaExceeded => Some(Self::Flooding),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
            Error::Protocol(_) => Some(Self::Malformed),
            _ => None,
        }
    }
}
