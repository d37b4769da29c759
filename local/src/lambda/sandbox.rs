//! One sandbox: what it is doing, and the signals that freeze, thaw and end its process.

use std::collections::{HashMap, VecDeque};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Signal, pidfd_send_signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::invocation::{Event, Invocation, Running};

pub(super) struct Sandbox {
    pub(super) id: Arc<str>,
    /// None until it is started.
    pub(super) process: Option<Handle>,
    pub(super) started: Instant,
    /// From the start of the process to its first question for an event; none before that.
    pub(super) init: Option<Duration>,
    pub(super) is_provisioned: bool,
    /// Events that it gets as soon as it asks.
    bound: VecDeque<Bound>,
    /// Its questions for an event that are not answered yet.
    polls: Vec<oneshot::Sender<Event>>,
    pub(super) running: HashMap<Uuid, Running>,
    pub(super) idle_since: Instant,
    is_frozen: bool,
    /// Whether it asked to be told of its end.
    pub(super) has_extension: bool,
    pub(super) peak_memory_kib: u64,
    pub(super) end: CancellationToken,
}

/// An event that waits for its sandbox to ask: for the first time, or again after an answer.
struct Bound {
    invocation: Invocation,
    is_cold: bool,
}

/// A process that can be signalled without fear of meeting another one with the same pid.
pub(super) struct Handle {
    pub(super) pid: u32,
    pub(super) descriptor: OwnedFd,
}

impl Handle {
    pub(super) fn signal(&self, signal: Signal) {
        // The only possible failure is that it has ended.
        let _ = pidfd_send_signal(&self.descriptor, signal);
    }
}

/// What a question for an event is answered with.
pub(super) enum Poll {
    Event(Event),
    Wait(oneshot::Receiver<Event>),
}

impl Sandbox {
    pub(super) fn new(bound: Option<Invocation>, is_provisioned: bool) -> Self {
        let now = Instant::now();
        Self {
            id: Uuid::now_v7().simple().to_string().into(),
            process: None,
            started: now,
            init: None,
            is_provisioned,
            bound: bound.into_iter().map(|invocation| Bound { invocation, is_cold: true }).collect(),
            polls: Vec::new(),
            running: HashMap::new(),
            idle_since: now,
            is_frozen: false,
            has_extension: false,
            peak_memory_kib: 0,
            end: CancellationToken::new(),
        }
    }

    /// Whether it could take another event, now or as soon as it asks. Between an answer and the next question there are
    /// some microseconds, in which no other sandbox needs to be started.
    pub(super) fn has_room(&self, concurrency: usize) -> bool {
        self.running.len() + self.bound.len() < concurrency
    }

    /// It waits for an event and has no other.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty() && !self.polls.is_empty()
    }

    /// It has answered and does not ask again.
    pub(super) fn is_stuck(&self) -> bool {
        self.init.is_some() && self.running.is_empty() && self.polls.is_empty()
    }

    /// Hands over an event.
    pub(super) fn give(&mut self, mut invocation: Invocation) {
        while let Some(poll) = self.polls.pop() {
            let event = self.begin(invocation, false);
            self.thaw();
            match poll.send(event) {
                Ok(()) => return,
                // Whoever asked has gone: another question of this sandbox may come, or its end.
                Err(event) => invocation = self.take_back(event),
            }
        }
        self.bound.push_back(Bound { invocation, is_cold: self.init.is_none() });
    }

    /// Starts with one of the events that waited for it, if there is one.
    pub(super) fn begin_bound(&mut self) -> Option<Event> {
        let Bound { invocation, is_cold } = self.bound.pop_front()?;
        Some(self.begin(invocation, is_cold))
    }

    pub(super) fn begin(&mut self, invocation: Invocation, is_cold: bool) -> Event {
        let (event, running) = invocation.begin(is_cold);
        self.running.insert(event.request_id, running);
        event
    }

    /// Waits for an event, at the place in the queue of this sandbox that is free.
    pub(super) fn wait(&mut self) -> oneshot::Receiver<Event> {
        let (poll, event) = oneshot::channel();
        self.polls.push(poll);
        self.idle_since = Instant::now();
        event
    }

    /// Events that it has never seen, and that another one may take. Those that waited for its start are lost with it.
    pub(super) fn unseen(&mut self) -> Vec<Invocation> {
        let bound = std::mem::take(&mut self.bound);
        let (lost, unseen): (Vec<_>, Vec<_>) = bound.into_iter().partition(|bound| bound.is_cold);
        for Bound { invocation, is_cold } in lost {
            self.begin(invocation, is_cold);
        }
        unseen.into_iter().map(|bound| bound.invocation).collect()
    }

    pub(super) fn freeze(&mut self) {
        if let Some(process) = self.process.as_ref().filter(|_| !self.is_frozen) {
            process.signal(Signal::STOP);
            self.is_frozen = true;
        }
    }

    fn thaw(&mut self) {
        if let Some(process) = self.process.as_ref().filter(|_| self.is_frozen) {
            process.signal(Signal::CONT);
            self.is_frozen = false;
        }
    }

    pub(super) fn kill(&self) {
        if let Some(process) = &self.process {
            process.signal(Signal::KILL);
        }
        self.end.cancel();
    }

    fn take_back(&mut self, event: Event) -> Invocation {
        let running = self.running.remove(&event.request_id);
        running.expect("it was entered before it was sent").undo(event)
    }
}
