//! Trying again: after a pause that grows to a cap, and differs between workers so that they do not come all at once.

use std::{collections::hash_map::RandomState, fmt::Display, hash::BuildHasher, time::Duration};

use tokio_util::sync::CancellationToken;

use super::status::Part;
use crate::limits;

#[derive(Default)]
pub(super) struct Pauses {
    taken: u32,
}

impl Pauses {
    /// Between half and all of 50 ms, 100 ms, … 2 s.
    pub(super) fn next(&mut self) -> Duration {
        let doublings = self.taken.min(16);
        let longest = limits::PAUSE_MAX.min(limits::PAUSE_MIN * (1 << doublings));
        self.taken += 1;
        // A hasher's keys are random, which is all the randomness that this needs.
        let random = RandomState::new().hash_one(self.taken) % 1_000;
        longest / 2 + longest / 2 * random as u32 / 1_000
    }
}

/// Tries for as long as it takes. `None`: the shutdown came first.
///
/// That this step works is not to say that all of the part does, so the caller says that.
pub(super) async fn until_it_works<T, E: Display, F: Future<Output = Result<T, E>>>(
    part: &Part,
    shutdown: &CancellationToken,
    mut attempt: impl FnMut() -> F,
) -> Option<T> {
    let mut pauses = Pauses::default();
    loop {
        match shutdown.run_until_cancelled(attempt()).await? {
            Ok(value) => return Some(value),
            Err(error) => part.fails(&error),
        }
        shutdown.run_until_cancelled(tokio::time::sleep(pauses.next())).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_cap() {
        let mut pauses = Pauses::default();
        assert!(pauses.next() <= limits::PAUSE_MIN);
        let later: Vec<Duration> = (0..40).map(|_| pauses.next()).collect();
        assert!(later.iter().skip(8).all(|pause| (limits::PAUSE_MAX / 2..=limits::PAUSE_MAX).contains(pause)));
    }
}
