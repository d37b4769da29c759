//! The time of a run: microseconds since it began.

use std::time::{Duration, Instant, SystemTime};

use tokio::time::sleep_until;

#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    /// Microseconds since 1970 when it began.
    started_at: u64,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "events have the time of Redis, which has it from this machine")]
    pub fn start() -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { start: Instant::now(), started_at: since_1970.as_micros() as u64 }
    }

    pub fn now(&self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }

    pub fn started_at(&self) -> u64 {
        self.started_at
    }

    pub async fn sleep_until(&self, time: u64) {
        sleep_until((self.start + Duration::from_micros(time)).into()).await;
    }
}
