//! Which programs took the processors: this one, and the servers that it has started.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::family::family;
use super::process::MS_PER_TICK;

/// What each process has taken until now.
pub struct Programs {
    /// The name of its program, and ticks, by pid.
    each: HashMap<u32, (String, u64)>,
    /// Ticks of all, the ended ones that they have waited for included.
    pub(super) all_ticks: u64,
}

/// Processor time by the name of the program.
#[derive(Clone, Debug, Default)]
pub struct Times(BTreeMap<String, Duration>);

impl Times {
    pub fn add(&mut self, more: Self) {
        for (name, time) in more.0 {
            *self.0.entry(name).or_default() += time;
        }
    }

    /// Microseconds for each of so many.
    pub fn us_each(&self, count: u64) -> BTreeMap<String, f64> {
        let each = |time: &Duration| time.as_secs_f64() * 1e6 / count.max(1) as f64;
        self.0.iter().map(|(name, time)| (name.clone(), each(time))).collect()
    }
}

impl Programs {
    pub fn now() -> Self {
        let family = family(std::process::id());
        let all_ticks = family.iter().map(|process| process.ticks + process.ended_ticks).sum();
        let each = family.into_iter().map(|process| (process.pid, (process.name, process.ticks))).collect();
        Self { each, all_ticks }
    }

    /// What those that are there now have taken since. Whoever has ended is left out.
    pub fn since(&self, earlier: &Self) -> Times {
        let mut times = Times::default();
        for (pid, (name, ticks)) in &self.each {
            let before = earlier.each.get(pid).map_or(0, |(_, ticks)| *ticks);
            let taken = Duration::from_millis(ticks.saturating_sub(before) * MS_PER_TICK);
            *times.0.entry(name.clone()).or_default() += taken;
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;
    use crate::machine::thread_time;

    struct Killed(Child);

    impl Drop for Killed {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn what_a_program_below_this_one_takes_is_counted_by_its_name() {
        let earlier = Programs::now();
        let _busy = Killed(Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap());
        let _idle = Killed(Command::new("sleep").arg("60").spawn().unwrap());
        let (own, until) = (thread_time(), Duration::from_millis(100));
        while thread_time() - own < until {}
        // The other may have waited for its turn for as long.
        let taken = std::iter::repeat_with(|| Programs::now().since(&earlier));
        let taken = taken.take(10_000).find(|taken| taken.0.get("sh").is_some_and(|&time| time >= until)).unwrap();
        assert_eq!(taken.0["sleep"], Duration::ZERO);
        let own = Programs::now().each[&std::process::id()].0.clone();
        assert!(taken.0[&own] >= until / 2, "{taken:?}");
    }
}
