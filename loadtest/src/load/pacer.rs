//! Tells when each arrival is due: from a thread of its own, since tokio rounds its times up to a millisecond.

use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;

use super::plan::{Arrival, Arrivals};
use crate::clock::Clock;

/// Arrivals that are due and not taken yet: some seconds of a runtime that does not get to run.
const DUE_MAX: usize = 16_384;

/// Sends each arrival when it is due, until there are no more, or nobody takes them.
pub(super) fn start(arrivals: Arrivals, clock: Clock) -> mpsc::Receiver<Arrival> {
    let (due, taken) = mpsc::channel(DUE_MAX);
    thread::spawn(move || {
        for arrival in arrivals {
            thread::sleep(Duration::from_micros(arrival.due.saturating_sub(clock.now())));
            if due.blocking_send(arrival).is_err() {
                return;
            }
        }
    });
    taken
}
