//! How long Lambda still waits for an answer.

use std::time::{Duration, SystemTime};

/// Until a deadline in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "Lambda tells the deadline by this clock")]
pub(crate) fn time_left(deadline: u64) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(deadline).saturating_sub(now)
}
