//! The sandboxes of one function: started when an event finds none idle, used again last in, first out, and ended when
//! they have been idle for long.

mod process;
mod queue;
mod state;
mod sweep;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use self::state::{Placed, State};
use super::invocation::{End, Event, Invocation, Outcome};
use super::report::Reports;
use super::sandbox::Poll;

pub(super) use self::process::Program;
pub(super) use self::state::{Described, Key};

/// What holds for every sandbox of a function.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub(super) sandboxes_max: usize,
    pub(super) queue_max: usize,
    pub(super) idle: Duration,
    /// Kept ready, also when idle.
    pub(super) provisioned: usize,
    /// Events in one sandbox at once.
    pub(super) concurrency: usize,
    pub(super) freezes: bool,
    /// An event that is not answered by then ends its sandbox.
    pub(super) timeout: Duration,
}

pub(super) struct Pool {
    program: Program,
    limits: Limits,
    reports: Arc<Reports>,
    state: Mutex<State>,
    /// One task for each sandbox, and the sweeper.
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Pool {
    /// Starts the sandboxes that are kept ready.
    pub(super) fn start(program: Program, limits: Limits, reports: Arc<Reports>) -> Arc<Self> {
        let state = Mutex::new(State::new(limits.clone()));
        let pool =
            Self { program, limits, reports, state, tasks: TaskTracker::new(), closing: CancellationToken::new() };
        let pool = Arc::new(pool);
        pool.tasks.spawn(Arc::clone(&pool).sweep());
        pool
    }

    pub(super) fn timeout(&self) -> Duration {
        self.limits.timeout
    }

    pub(super) fn name(&self) -> &str {
        &self.program.name
    }

    pub(super) fn memory_mib(&self) -> u32 {
        self.program.memory_mib
    }

    /// Gives the event to a sandbox, and waits for what comes of it. Dropping the future changes nothing for the sandbox.
    pub(super) async fn invoke(self: &Arc<Self>, id: Uuid, payload: Bytes, trace_id: String) -> Outcome {
        let (invocation, outcome) = Invocation::new(id, payload, trace_id);
        self.place(invocation);
        outcome.await.unwrap_or(Outcome { end: End::Stopped, sandbox: None })
    }

    fn place(self: &Arc<Self>, invocation: Invocation) {
        let placed = self.lock().place(invocation);
        match placed {
            Placed::Start(key) => self.run_sandbox(key),
            Placed::TurnedAway(invocation, end) => invocation.turn_away(end),
            Placed::Given | Placed::Queued => {}
        }
    }

    /// A sandbox asks for its next event. None if it is being ended.
    pub(super) async fn next(&self, sandbox: Key) -> Option<Event> {
        let (poll, initialised) = self.lock().poll(sandbox);
        if let Some(initialised) = initialised {
            self.reports.initialised(self, &initialised);
        }
        match poll? {
            Poll::Event(event) => Some(event),
            Poll::Wait(event) => event.await.ok(),
        }
    }

    /// A sandbox says how an event ended. False if it has no such event.
    pub(super) fn finish(&self, sandbox: Key, request_id: Uuid, end: End) -> bool {
        let Some((running, mut used)) = self.lock().finish(sandbox, request_id) else { return false };
        if used.peak_memory_kib == 0 {
            // Its first event is over before anybody has looked.
            used.peak_memory_kib = sweep::peak_memory_kib(used.pid);
        }
        self.reports.invoked(self, request_id, &running, &used, &end);
        running.end(end, &used.id);
        true
    }

    /// A sandbox asks to be told of its end before it is killed.
    pub(super) fn register_extension(&self, sandbox: Key) {
        if let Some(sandbox) = self.lock().get_mut(sandbox) {
            sandbox.has_extension = true;
        }
    }

    /// A sandbox cannot be initialised.
    pub(super) fn kill(&self, key: Key) {
        let mut state = self.lock();
        if let Some(sandbox) = state.get_mut(key) {
            sandbox.kill();
        }
        state.settle(key);
    }

    /// Ends every sandbox; events that are not answered by then are not answered.
    pub(super) async fn stop(&self) {
        self.closing.cancel();
        self.lock().close();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
