//! Tells when each arrival is due: from a thread of its own, since tokio rounds its times up to a millisecond.

use std::num::NonZeroU64;
use std::thread;
use std::time::Duration;

use rustix::thread::set_current_timer_slack;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::machine::go_first;

/// Arrivals that are due and not taken yet: some seconds of a runtime that does not get to run.
const DUE_MAX: usize = 16_384;

/// What has its time, in microseconds since the run began.
pub trait Due {
    fn due(&self) -> u64;
}

/// Sends each arrival when it is due, until there are no more, or nobody takes them.
pub fn start<A: Due + Send + 'static>(
    arrivals: impl Iterator<Item = A> + Send + 'static,
    clock: Clock,
) -> mpsc::Receiver<A> {
    let (due, taken) = mpsc::channel(DUE_MAX);
    thread::spawn(move || {
        go_first();
        // The kernel may be 50 µs late otherwise, to wake several at once. Where it may not be told, it is.
        let _ = set_current_timer_slack(NonZeroU64::new(1));
        for arrival in arrivals {
            let wait = arrival.due().saturating_sub(clock.now());
            if wait > 0 {
                thread::sleep(Duration::from_micros(wait));
            }
            if due.blocking_send(arrival).is_err() {
                return;
            }
        }
    });
    taken
}
