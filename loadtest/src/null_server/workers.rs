//! Workers who each take the same time for a request, so that a server is as fast as they are, and not as its client is.

use std::collections::VecDeque;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::pacer::{self, Due};

/// Requests that are worked on or wait: one for each connection.
const REQUESTS_MAX: usize = 32_768;

#[derive(Clone)]
pub struct Workers {
    clock: Clock,
    work_us: u64,
    queue: Arc<Mutex<Queue>>,
}

struct Queue {
    /// When each worker has nothing to do any more, in order.
    free_at: VecDeque<u64>,
    begun: SyncSender<Work>,
}

struct Work {
    due: u64,
    done: oneshot::Sender<()>,
}

impl Due for Work {
    fn due(&self) -> u64 {
        self.due
    }
}

impl Workers {
    /// At least one.
    pub fn start(count: u32, work_us: u64) -> Self {
        let (clock, (begun, works)) = (Clock::start(), sync_channel::<Work>(REQUESTS_MAX));
        let mut due = pacer::start(works.into_iter(), clock);
        tokio::spawn(async move {
            while let Some(work) = due.recv().await {
                // Who has hung up does not wait.
                let _ = work.done.send(());
            }
        });
        let free_at = (0..count.max(1)).map(|_| 0).collect();
        Self { clock, work_us, queue: Arc::new(Mutex::new(Queue { free_at, begun })) }
    }

    /// Returns when a worker has done it, in the order of the calls. A worker who is late works the less for the next.
    pub async fn work(&self) {
        let (done, is_done) = oneshot::channel();
        {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let free_at = queue.free_at.pop_front().unwrap_or_default();
            let due = free_at.max(self.clock.now()) + self.work_us;
            queue.free_at.push_back(due);
            let _ = queue.begun.send(Work { due, done });
        }
        let _ = is_done.await;
    }
}
