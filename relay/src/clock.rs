//! What time it is: ours for `/health`, and that of Redis for viewers, which is the auction's.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use auction::Timestamp;

/// The wall clock of this machine. Nothing is decided by it.
#[expect(clippy::disallowed_methods, reason = "shown to people, compared with nothing")]
pub(crate) fn wall_clock() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let microseconds = i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_microseconds(microseconds).unwrap_or_else(epoch)
}

/// The clock of Redis, from one reading of it onwards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerClock {
    read: Timestamp,
    at: Instant,
}

impl ServerClock {
    pub(crate) fn new(read: Timestamp, at: Instant) -> Self {
        Self { read, at }
    }

    pub(crate) fn time(&self, now: Instant) -> Timestamp {
        let passed = now.saturating_duration_since(self.at).as_micros();
        let microseconds = self.read.microseconds().saturating_add(i64::try_from(passed).unwrap_or(i64::MAX));
        Timestamp::from_microseconds(microseconds).unwrap_or(self.read)
    }
}

fn epoch() -> Timestamp {
    Timestamp::from_microseconds(0).expect("1970 is a year that can be written")
}
