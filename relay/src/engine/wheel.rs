//! When to look at which connection: a timing wheel. An entry may be out of date; whoever looks finds that out.

use std::time::{Duration, Instant};

/// Deadlines of connections are seconds; a tick more or less is nothing to them.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// Twice as long as between two pings.
const SLOTS: usize = 512;

/// Ticks since the shard began: 13 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tick(u32);

impl Tick {
    pub(super) const NEVER: Self = Self(u32::MAX);

    pub(super) fn after(self, duration: Duration) -> Self {
        let ticks = duration.as_millis().div_ceil(TICK.as_millis());
        Self(self.0.saturating_add(u32::try_from(ticks).unwrap_or(u32::MAX)))
    }
}

pub(super) struct Wheel {
    started_at: Instant,
    now: Tick,
    slots: Vec<Vec<u32>>,
}

impl Wheel {
    pub(super) fn new(started_at: Instant) -> Self {
        Self { started_at, now: Tick::default(), slots: vec![Vec::new(); SLOTS] }
    }

    pub(super) fn now(&self) -> Tick {
        self.now
    }

    /// Until the next tick.
    pub(super) fn patience(&self, now: Instant) -> Duration {
        let next = self.started_at + TICK * (self.now.0 + 1);
        next.saturating_duration_since(now)
    }

    /// Looks at a connection then, or earlier if that is too far away. Returns when.
    pub(super) fn look_at(&mut self, connection: u32, due: Tick) -> Tick {
        let farthest = self.now.0 + SLOTS as u32 - 1;
        let tick = due.0.clamp(self.now.0 + 1, farthest);
        self.slots[tick as usize % SLOTS].push(connection);
        Tick(tick)
    }

    /// Goes on to the next tick if its time has come: whom to look at.
    pub(super) fn turn(&mut self, now: Instant) -> Option<Vec<u32>> {
        let is_time = now >= self.started_at + TICK * (self.now.0 + 1);
        is_time.then(|| {
            self.now.0 += 1;
            std::mem::take(&mut self.slots[self.now.0 as usize % SLOTS])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_looked_at_when_it_is_due_and_not_before_also_after_a_pause() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        let due = |seconds| wheel.now().after(Duration::from_secs(seconds));
        let (one, two) = (due(1), due(2));
        wheel.look_at(1, one);
        wheel.look_at(2, two);
        wheel.look_at(3, Tick::NEVER);
        let mut found = Vec::new();
        let mut turn = |wheel: &mut Wheel, seconds: f64| {
            found.clear();
            while let Some(connections) = wheel.turn(start + Duration::from_secs_f64(seconds)) {
                found.extend(connections);
            }
            found.clone()
        };
        assert_eq!(turn(&mut wheel, 0.99), [0; 0]);
        assert_eq!(turn(&mut wheel, 1.0), [1]);
        assert_eq!(turn(&mut wheel, 9.0), [2]);
        assert_eq!(turn(&mut wheel, 60.0), [3], "to find out that it is not due");
        assert!(wheel.patience(start + Duration::from_secs(60)) <= TICK);
    }
}
