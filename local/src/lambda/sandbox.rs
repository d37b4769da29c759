//! One sandbox: what it is doing, and the signals that freeze, thaw and end its process.

use std::collections::{HashMap, VecDeque};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, pidfd_send_signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::invocation::{Event, Invocation, Running};

/// A sandbox that has answered asks for the next event within some microseconds: no other one needs to be started
/// meanwhile. If it works on instead, what waits for it is given to others after this time.
pub(super) const ASKS_AGAIN: Duration = Duration::from_millis(5);

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
    /// Whether it ever got an event.
    pub(super) is_used: bool,
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

    /// Also before its exit status was collected.
    fn has_ended(&self) -> bool {
        let mut descriptors = [PollFd::new(&self.descriptor, PollFlags::IN)];
        poll(&mut descriptors, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
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
            is_used: false,
            has_extension: false,
            peak_memory_kib: 0,
            end: CancellationToken::new(),
        }
    }

    /// Whether it could take another event, now or as soon as it asks.
    pub(super) fn has_room(&self, concurrency: usize) -> bool {
        self.running.len() + self.bound.len() < concurrency
    }

    /// Whether an event that it is given now gets there at once, or is expected to.
    pub(super) fn takes_soon(&self, now: Instant) -> bool {
        let is_alive = self.process.as_ref().is_none_or(|process| !process.has_ended());
        let asks = !self.polls.is_empty() || self.init.is_none();
        is_alive && (asks || now.saturating_duration_since(self.idle_since) < ASKS_AGAIN)
    }

    /// It waits for an event and has no other.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty() && !self.polls.is_empty()
    }

    /// It has answered and has not asked again for this time.
    pub(super) fn works_on(&self, now: Instant) -> Option<Duration> {
        let has_answered = self.init.is_some() && self.running.is_empty() && self.polls.is_empty();
        has_answered.then(|| now.saturating_duration_since(self.idle_since))
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
        self.is_used = true;
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

    /// Events that it has never seen, and that another one may take.
    pub(super) fn unseen(&mut self) -> impl DoubleEndedIterator<Item = Invocation> {
        std::mem::take(&mut self.bound).into_iter().map(|bound| bound.invocation)
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
