//! What became of a bid, as an experiment counts it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::{Expected, Outcome, Request};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Accepted,
    /// Accepted before, and told once more.
    Repeated,
    /// Above the price that its bidder knew, and overtaken on the way.
    LostRace,
    /// At most the price that its bidder knew.
    TooLow,
    /// No bid, and told so.
    Rejected,
    /// 429.
    Throttled,
    /// No verdict: 5xx, another 4xx, or no answer.
    Failed,
}

const TOO_MANY_REQUESTS: u16 = 429;

impl Class {
    pub fn of(request: &Request) -> Self {
        let known = request.known.map_or(0, |known| known.price);
        match (&request.outcome, request.expected) {
            (Outcome::Accepted { replayed: true, .. }, _) => Self::Repeated,
            (Outcome::Accepted { .. }, _) => Self::Accepted,
            (Outcome::Refused { .. }, _) if request.amount > known => Self::LostRace,
            (Outcome::Refused { .. }, _) => Self::TooLow,
            (Outcome::Rejected(status), Expected::Status(expected)) if *status == expected => Self::Rejected,
            (Outcome::Rejected(TOO_MANY_REQUESTS), _) => Self::Throttled,
            (Outcome::Rejected(_) | Outcome::Unknown(_), _) => Self::Failed,
        }
    }

    /// A verdict is none, whatever it says.
    pub fn is_error(self) -> bool {
        matches!(self, Self::Throttled | Self::Failed)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Accepted => "accepted",
            Self::Repeated => "repeated",
            Self::LostRace => "lost race",
            Self::TooLow => "too low",
            Self::Rejected => "rejected",
            Self::Throttled => "throttled",
            Self::Failed => "failed",
        })
    }
}
