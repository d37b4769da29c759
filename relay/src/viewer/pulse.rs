//! Whether a viewer is still there, and whether it says too much.

use tokio::time::{Duration, Instant};
use uuid::Uuid;

use crate::limits::{MESSAGES_PER_PING_MAX, PING_INTERVAL, SILENCE_MAX};

pub(super) struct Pulse {
    heard_at: Instant,
    ping_at: Instant,
    messages_since_ping: u32,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Early,
    Ping,
    Dead,
}

impl Pulse {
    pub(super) fn new(id: Uuid, now: Instant) -> Self {
        Self { heard_at: now, ping_at: now + first_ping_after(id), messages_since_ping: 0 }
    }

    /// When to call [`Pulse::beat`].
    pub(super) fn next(&self) -> Instant {
        self.ping_at.min(self.heard_at + SILENCE_MAX)
    }

    pub(super) fn beat(&mut self, now: Instant) -> Beat {
        if now.saturating_duration_since(self.heard_at) >= SILENCE_MAX {
            return Beat::Dead;
        }
        if now < self.ping_at {
            return Beat::Early;
        }
        self.ping_at = now + PING_INTERVAL;
        self.messages_since_ping = 0;
        Beat::Ping
    }

    /// False if the viewer says too much.
    pub(super) fn heard(&mut self, now: Instant) -> bool {
        self.heard_at = now;
        self.messages_since_ping += 1;
        self.messages_since_ping <= MESSAGES_PER_PING_MAX
    }
}

/// Between half an interval and a whole one: viewers that came together are pinged apart.
fn first_ping_after(id: Uuid) -> Duration {
    let [.., high, low] = *id.as_bytes();
    let fraction = f64::from(u16::from_be_bytes([high, low])) / f64::from(u16::MAX);
    PING_INTERVAL.mul_f64(0.5 + fraction / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_is_pinged_while_it_answers_and_dead_when_it_does_not() {
        let start = Instant::now();
        let mut pulse = Pulse::new(Uuid::from_u128(u128::MAX), start);
        assert_eq!(pulse.next(), start + PING_INTERVAL);
        assert_eq!(pulse.beat(start), Beat::Early);
        let mut now = start;
        for _ in 0..10 {
            now = pulse.next();
            assert_eq!(pulse.beat(now), Beat::Ping);
            assert!(pulse.heard(now));
        }
        let silent_since = now;
        while pulse.beat(pulse.next()) == Beat::Ping {}
        assert_eq!(pulse.next(), silent_since + SILENCE_MAX);
        assert_eq!(pulse.beat(pulse.next()), Beat::Dead);
    }

    #[test]
    fn first_pings_spread_over_half_an_interval() {
        assert_eq!(first_ping_after(Uuid::nil()), PING_INTERVAL / 2);
        assert_eq!(first_ping_after(Uuid::max()), PING_INTERVAL);
    }

    #[test]
    fn a_viewer_may_say_only_so_much_between_two_pings() {
        let now = Instant::now();
        let mut pulse = Pulse::new(Uuid::nil(), now);
        assert!((0..MESSAGES_PER_PING_MAX).all(|_| pulse.heard(now)));
        assert!(!pulse.heard(now));
        pulse.beat(now + PING_INTERVAL);
        assert!(pulse.heard(now));
    }
}
