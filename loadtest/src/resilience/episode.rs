//! One thing that happens, with the calm before and after it.

use local::Name;

use super::told::Phase;
use crate::record::FaultRecord;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Episode {
    /// Nothing happens: what differs here is noise.
    Control,
    Relay,
    Postgres,
    Nats,
}

impl Episode {
    pub(super) const ALL: [Self; 4] = [Self::Control, Self::Relay, Self::Postgres, Self::Nats];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Control => "control, no fault",
            Self::Relay => "3a, relay killed",
            Self::Postgres => "3b, PostgreSQL killed",
            Self::Nats => "3c, NATS killed",
        }
    }

    pub(super) fn server(self) -> Option<Name> {
        match self {
            Self::Control => None,
            Self::Relay => Some(Name::Broadcast),
            Self::Postgres => Some(Name::Postgres),
            Self::Nats => Some(Name::Nats),
        }
    }

    /// From the fault until the part answers again, in microseconds.
    pub(super) fn window(self, number: usize, seconds: u64, faults: &[FaultRecord]) -> Option<(u64, u64)> {
        let planned = begins(number, seconds);
        match self.server() {
            None => Some((planned, planned + seconds * 1_000_000)),
            Some(server) => {
                let name = format!("{server} killed");
                faults.iter().find(|fault| fault.fault == name).map(|fault| (fault.from, fault.until))
            }
        }
    }
}

/// When the episode with this number begins, in microseconds: there is calm before each and after the last.
pub(super) fn begins(number: usize, seconds: u64) -> u64 {
    (2 * number as u64 + 1) * seconds * 1_000_000
}

/// Before, during and after.
pub(super) fn phases((from, until): (u64, u64), seconds: u64) -> [(Phase, u64, u64); 3] {
    let calm = seconds * 1_000_000;
    [
        (Phase::Before, from.saturating_sub(calm), from),
        (Phase::During, from, until),
        (Phase::After, until, until + calm),
    ]
}
