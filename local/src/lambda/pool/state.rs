//! Which sandbox gets which event. All that is decided here is decided under one lock, and nothing waits under it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Limits;
use crate::lambda::invocation::{End, Invocation, Running};
use crate::lambda::sandbox::{Handle, Poll, Sandbox};

/// Tells the sandboxes of one pool apart.
pub(in crate::lambda) type Key = u64;

pub(super) struct State {
    limits: Limits,
    pub(super) sandboxes: HashMap<Key, Sandbox>,
    next_key: Key,
    /// Those that could take another event, the last used on top.
    ready: Vec<Key>,
    /// Events that found every sandbox busy.
    queue: VecDeque<Invocation>,
    is_closing: bool,
}

pub(super) enum Placed {
    Given,
    /// A new sandbox was entered for it: start it.
    Start(Key),
    Queued,
    TurnedAway(Invocation, End),
}

/// Enough of a sandbox to report what happened in it.
#[derive(Clone)]
pub(in crate::lambda) struct Described {
    pub(in crate::lambda) id: Arc<str>,
    pub(in crate::lambda) pid: u32,
    pub(in crate::lambda) init: Option<Duration>,
    pub(in crate::lambda) peak_memory_kib: u64,
    pub(in crate::lambda) is_provisioned: bool,
}

impl State {
    pub(super) fn new(limits: Limits) -> Self {
        let (sandboxes, ready, queue) = (HashMap::new(), Vec::new(), VecDeque::new());
        Self { limits, sandboxes, next_key: 0, ready, queue, is_closing: false }
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Sandbox> {
        self.sandboxes.get_mut(&key)
    }

    pub(super) fn place(&mut self, invocation: Invocation) -> Placed {
        if self.is_closing {
            return Placed::TurnedAway(invocation, End::Stopped);
        }
        // Nobody overtakes those that wait.
        if self.queue.is_empty()
            && let Some(&key) = self.ready.last()
            && let Some(sandbox) = self.sandboxes.get_mut(&key)
        {
            sandbox.give(invocation);
            self.settle(key);
            return Placed::Given;
        }
        if self.sandboxes.len() < self.limits.sandboxes_max {
            return Placed::Start(self.enter(Some(invocation), false));
        }
        if self.queue.len() < self.limits.queue_max {
            self.queue.push_back(invocation);
            return Placed::Queued;
        }
        Placed::TurnedAway(invocation, End::Throttled)
    }

    fn enter(&mut self, bound: Option<Invocation>, is_provisioned: bool) -> Key {
        let key = self.next_key;
        self.next_key += 1;
        self.sandboxes.insert(key, Sandbox::new(bound, is_provisioned));
        self.settle(key);
        key
    }

    /// Enters one more sandbox that is kept ready, if one is missing.
    pub(super) fn provision(&mut self) -> Option<Key> {
        let wanted = self.limits.provisioned.min(self.limits.sandboxes_max);
        let are_missing = self.sandboxes.values().filter(|sandbox| sandbox.is_provisioned).count() < wanted;
        let fits = self.sandboxes.len() < self.limits.sandboxes_max;
        (are_missing && fits && !self.is_closing).then(|| self.enter(None, true))
    }

    pub(super) fn started(&mut self, key: Key, process: Handle, started: Instant) {
        if let Some(sandbox) = self.sandboxes.get_mut(&key) {
            sandbox.process = Some(process);
            sandbox.started = started;
        }
    }

    /// Answers a sandbox's question for an event; the second part is there when it was its first question.
    pub(super) fn poll(&mut self, key: Key) -> (Option<Poll>, Option<Described>) {
        let Some(sandbox) = self.sandboxes.get_mut(&key).filter(|sandbox| !sandbox.end.is_cancelled()) else {
            return (None, None);
        };
        let is_first = sandbox.init.is_none();
        if is_first {
            sandbox.init = Some(sandbox.started.elapsed());
        }
        let bound = sandbox.begin_bound();
        if bound.is_none() && !is_first && is_used_up(&self.limits, sandbox) {
            sandbox.end.cancel();
            return (None, None);
        }
        let next = bound.or_else(|| Some(sandbox.begin(self.queue.pop_front()?, false)));
        let poll = match next {
            Some(event) => Poll::Event(event),
            None => Poll::Wait(sandbox.wait()),
        };
        if self.limits.freezes && sandbox.is_idle() {
            sandbox.freeze();
        }
        let initialised = is_first.then(|| describe(sandbox));
        self.settle(key);
        (Some(poll), initialised)
    }

    /// Enters it on top of those that could take another event, or takes it out.
    fn settle(&mut self, key: Key) {
        self.ready.retain(|&other| other != key);
        let Some(sandbox) = self.sandboxes.get(&key) else { return };
        let has_room = sandbox.has_room(self.limits.concurrency);
        if has_room && !sandbox.end.is_cancelled() && !is_used_up(&self.limits, sandbox) {
            self.ready.push(key);
        }
    }

    pub(super) fn finish(&mut self, key: Key, request_id: Uuid) -> Option<(Running, Described)> {
        let sandbox = self.sandboxes.get_mut(&key)?;
        let running = sandbox.running.remove(&request_id)?;
        sandbox.idle_since = Instant::now();
        let used = describe(sandbox);
        self.settle(key);
        Some((running, used))
    }

    /// Takes an ended sandbox out, and enters new ones, to be started, for the events that wait.
    pub(super) fn ended(&mut self, key: Key) -> Option<(Sandbox, Vec<Key>)> {
        let sandbox = self.sandboxes.remove(&key)?;
        self.settle(key);
        let mut starts = Vec::new();
        while !self.is_closing && self.sandboxes.len() < self.limits.sandboxes_max {
            let Some(invocation) = self.queue.pop_front() else { break };
            starts.push(self.enter(Some(invocation), false));
        }
        Some((sandbox, starts))
    }

    /// Those idle for too long get no more events: they are being ended.
    pub(super) fn reclaim(&mut self, now: Instant) {
        let Self { sandboxes, ready, limits, .. } = self;
        ready.retain(|key| {
            let Some(sandbox) = sandboxes.get(key) else { return false };
            let is_over = sandbox.is_idle()
                && !sandbox.is_provisioned
                && now.saturating_duration_since(sandbox.idle_since) >= limits.idle;
            if is_over {
                sandbox.end.cancel();
            }
            !is_over
        });
    }

    /// Events that were not answered in time, out of sandboxes that are killed for it; and those that do not come up.
    pub(super) fn take_overdue(&mut self, now: Instant, init_timeout: Duration) -> Vec<(Uuid, Running, Described)> {
        let mut overdue = Vec::new();
        for sandbox in self.sandboxes.values_mut() {
            let does_not_come_up = sandbox.init.is_none()
                && sandbox.process.is_some()
                && now.saturating_duration_since(sandbox.started) > init_timeout;
            let is_stuck =
                sandbox.is_stuck() && now.saturating_duration_since(sandbox.idle_since) > self.limits.timeout;
            let is_late = |running: &Running| now.saturating_duration_since(running.began) > self.limits.timeout;
            let late: Vec<_> = sandbox.running.extract_if(|_, running| is_late(running)).collect();
            if does_not_come_up || is_stuck || !late.is_empty() {
                sandbox.kill();
            }
            overdue.extend(late.into_iter().map(|(request_id, running)| (request_id, running, describe(sandbox))));
        }
        self.ready.retain(|key| self.sandboxes.get(key).is_some_and(|sandbox| !sandbox.end.is_cancelled()));
        overdue
    }

    pub(super) fn close(&mut self) {
        self.is_closing = true;
        self.ready.clear();
        self.queue.drain(..).for_each(|invocation| invocation.turn_away(End::Stopped));
        self.sandboxes.values().for_each(|sandbox| sandbox.end.cancel());
    }
}

/// Without any idle time a sandbox is for one event.
fn is_used_up(limits: &Limits, sandbox: &Sandbox) -> bool {
    limits.idle.is_zero() && sandbox.init.is_some() && !sandbox.is_provisioned
}

pub(super) fn describe(sandbox: &Sandbox) -> Described {
    Described {
        id: Arc::clone(&sandbox.id),
        pid: sandbox.process.as_ref().map_or(0, |process| process.pid),
        init: sandbox.init,
        peak_memory_kib: sandbox.peak_memory_kib,
        is_provisioned: sandbox.is_provisioned,
    }
}
