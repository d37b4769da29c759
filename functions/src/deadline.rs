//! How long Lambda still waits for an answer.

use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Until a deadline in milliseconds since 1970. `cargo lambda watch` tells how long instead, always ten minutes.
#[expect(clippy::disallowed_methods, reason = "Lambda tells the deadline by this clock")]
pub(crate) fn time_left(deadline: u64) -> Duration {
    let deadline = Duration::from_millis(deadline);
    if deadline < DAY {
        return deadline;
    }
    deadline.saturating_sub(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_left_until_the_deadline_and_under_watch_for_so_long() {
        let minute = Duration::from_secs(60);
        #[expect(clippy::disallowed_methods, reason = "as above")]
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let left = |deadline: Duration| time_left(deadline.as_millis().try_into().unwrap());
        assert!(left(now + minute) <= minute && left(now + minute) > Duration::ZERO);
        assert_eq!(left(now - minute), Duration::ZERO);
        assert_eq!(left(10 * minute), 10 * minute);
    }
}
