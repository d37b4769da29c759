//! What a load comes to: counted while it runs, by a thread that also passes the bids on to the record.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::thread;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::class::Class;
use crate::record::{Look, Request, Sent};
use crate::seconds::Seconds;
use crate::verify::Latency;

/// What was sent and not counted yet.
const QUEUE: usize = 16_384;

/// Who waits for each single one must be woken for each single one, which costs the generator more than to send it.
const BATCH_PAUSE: Duration = Duration::from_millis(1);
const BATCH_MAX: usize = 4_096;

/// Times are in microseconds.
pub struct Tally {
    pub counts: BTreeMap<Class, u64>,
    /// Of bids, from when they were due.
    pub latency: Histogram<u64>,
    /// Of those that were accepted, and of those that were refused.
    pub accepted: Histogram<u64>,
    pub refused: Histogram<u64>,
    /// Of looks, from when they were due.
    pub looks: Histogram<u64>,
    pub looks_failed: u64,
    /// From when something was due until it was sent.
    pub lag: Histogram<u64>,
    /// Answers to bids before the end of the load, and those of them that accepted one.
    pub answered_in_time: u64,
    pub accepted_in_time: u64,
    pub(crate) seconds: Seconds,
    ends: u64,
}

impl Tally {
    fn new(begins: u64, ends: u64) -> Self {
        let empty = || Latency::histogram(3);
        Self {
            counts: BTreeMap::new(),
            latency: empty(),
            accepted: empty(),
            refused: empty(),
            looks: empty(),
            looks_failed: 0,
            lag: empty(),
            answered_in_time: 0,
            accepted_in_time: 0,
            seconds: Seconds::starting(begins),
            ends,
        }
    }

    fn enter(&mut self, request: &Request) {
        self.seconds.enter(request);
        let class = Class::of(request);
        *self.counts.entry(class).or_default() += 1;
        let latency = request.latency().max(1);
        self.latency.saturating_record(latency);
        match class {
            Class::Accepted => self.accepted.saturating_record(latency),
            Class::LostRace | Class::TooLow => self.refused.saturating_record(latency),
            _ => {}
        }
        self.lag.saturating_record(request.sent.saturating_sub(request.due).max(1));
        if request.answered <= self.ends {
            self.answered_in_time += u64::from(!class.is_error());
            self.accepted_in_time += u64::from(class == Class::Accepted);
        }
    }

    fn look(&mut self, look: Look) {
        self.looks.saturating_record(look.answered.saturating_sub(look.due).max(1));
        self.lag.saturating_record(look.sent.saturating_sub(look.due).max(1));
        self.looks_failed += u64::from(!look.is_answered);
    }

    pub fn count(&self, class: Class) -> u64 {
        self.counts.get(&class).copied().unwrap_or_default()
    }

    /// Bids and looks.
    pub fn total(&self) -> u64 {
        self.latency.len() + self.looks.len()
    }

    pub fn errors(&self) -> u64 {
        let failed = self.counts.iter().filter(|(class, _)| class.is_error()).map(|(_, count)| count);
        failed.sum::<u64>() + self.looks_failed
    }
}

/// Counts what is sent from when the load begins until it ends, and returns when nobody can send any more.
pub fn start(record: Option<mpsc::Sender<Request>>, begins: u64, ends: u64) -> (mpsc::Sender<Sent>, JoinHandle<Tally>) {
    let (sender, mut receiver) = mpsc::channel(QUEUE);
    let counting = tokio::task::spawn_blocking(move || {
        let (mut tally, mut progress) = (Tally::new(begins, ends), Progress::new());
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while receiver.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
            for sent in batch.drain(..) {
                match sent {
                    Sent::Bid(request) => {
                        tally.enter(&request);
                        progress.show(request.answered, &tally);
                        // The record says itself when it cannot be written.
                        if let Some(record) = &record {
                            let _ = record.blocking_send(request);
                        }
                    }
                    Sent::Look(look) => tally.look(look),
                }
            }
            thread::sleep(BATCH_PAUSE);
        }
        progress.clear();
        tally
    });
    (sender, counting)
}

/// A line that is written over each second, for whoever looks on.
struct Progress {
    is_watched: bool,
    /// When it is written next, and how many bids there were when it was written last.
    next: u64,
    before: u64,
}

impl Progress {
    fn new() -> Self {
        Self { is_watched: std::io::stderr().is_terminal(), next: 0, before: 0 }
    }

    fn show(&mut self, now: u64, tally: &Tally) {
        if !self.is_watched || now < self.next {
            return;
        }
        let bids = tally.latency.len();
        if self.next > 0 {
            let p99 = tally.latency.value_at_quantile(0.99) as f64 / 1_000.0;
            let (rate, errors) = (bids - self.before, tally.errors());
            let _ = write!(
                std::io::stderr(),
                "\r  {rate} bids in the last second, {bids} in all, p99 {p99:.1} ms, {errors} errors   "
            );
        }
        (self.next, self.before) = (now + 1_000_000, bids);
    }

    fn clear(&self) {
        if self.is_watched {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
