//! The time of a run: microseconds since it began.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

/// Written down, it is the same in another process of this machine.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Clock {
    /// By the clock that all processes of a machine share.
    start: Duration,
    /// Microseconds since 1970 when it began.
    started_at: u64,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "events have the time of Redis, which has it from this machine")]
    pub fn start() -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { start: since_boot(), started_at: since_1970.as_micros() as u64 }
    }

    pub fn now(&self) -> u64 {
        since_boot().saturating_sub(self.start).as_micros() as u64
    }

    pub fn started_at(&self) -> u64 {
        self.started_at
    }

    pub async fn sleep_until(&self, time: u64) {
        sleep(Duration::from_micros(time.saturating_sub(self.now()))).await;
    }
}

fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_has_the_same_time() {
        let clock = Clock::start();
        let other: Clock = serde_json::from_str(&serde_json::to_string(&clock).unwrap()).unwrap();
        let (before, between, after) = (clock.now(), other.now(), clock.now());
        assert!(before <= between && between <= after, "{before} {between} {after}");
        assert_eq!(other.started_at(), clock.started_at());
    }
}
