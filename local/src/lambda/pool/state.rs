//! Which sandbox gets which event. All that is decided here is decided under one lock, and nothing waits under it.
//!
//! A sandbox is *starting* until it asks for its first event: the events that it is started for are *bound* to it, and
//! cold. When it asks, it gets what is bound to it, else the first in the queue, else its question stays open (a *poll*)
//! and it is idle, and frozen. An event is *running* from when the sandbox gets it until its answer. After that the
//! sandbox is expected to ask again in microseconds, so the next event may be bound to it already.
//!
//! `ready` holds those with room for another event, the last used on top. Whatever changes a sandbox's room calls
//! `settle`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Limits;
use super::queue::Queue;
use crate::lambda::invocation::{End, Invocation, Running};
use crate::lambda::sandbox::{ASKS_AGAIN, Handle, Poll, Sandbox};

/// Tells the sandboxes of one pool apart.
pub(in crate::lambda) type Key = u64;

pub(super) struct State {
    limits: Limits,
    pub(super) sandboxes: HashMap<Key, Sandbox>,
    next_key: Key,
    /// Those that could take another event, the last used on top.
    ready: Vec<Key>,
    queue: Queue,
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
        let queue = Queue::new(limits.queue_max);
        Self { limits, sandboxes: HashMap::new(), next_key: 0, ready: Vec::new(), queue, is_closing: false }
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
            && let Some(key) = self.takes_soon()
            && let Some(sandbox) = self.sandboxes.get_mut(&key)
        {
            sandbox.give(invocation);
            self.settle(key);
            return Placed::Given;
        }
        if self.sandboxes.len() < self.limits.sandboxes_max {
            return Placed::Start(self.enter(Some(invocation), false));
        }
        // Reserved for nobody: nobody would ever come.
        if self.limits.sandboxes_max == 0 {
            return Placed::TurnedAway(invocation, End::Throttled);
        }
        match self.queue.push(invocation) {
            Ok(()) => Placed::Queued,
            Err(invocation) => Placed::TurnedAway(invocation, End::Throttled),
        }
    }

    /// The first from the top that an event may be given to.
    fn takes_soon(&self) -> Option<Key> {
        let now = Instant::now();
        let takes_soon = |key: &&Key| self.sandboxes.get(key).is_some_and(|sandbox| sandbox.takes_soon(now));
        self.ready.iter().rev().find(takes_soon).copied()
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
        let is_used_up = is_used_up(&self.limits, sandbox);
        let bound = sandbox.begin_bound();
        if bound.is_none() && is_used_up && sandbox.running.is_empty() {
            sandbox.end.cancel();
            return (None, None);
        }
        let mut queued = || if is_used_up { None } else { self.queue.pop() };
        let next = bound.or_else(|| Some(sandbox.begin(queued()?, false)));
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

    /// Enters it on top of those with room for another event, or takes it out. Those that are kept ready anyway stand
    /// above the others, so that the others become idle and end.
    pub(super) fn settle(&mut self, key: Key) {
        self.ready.retain(|&other| other != key);
        let Some(sandbox) = self.sandboxes.get(&key) else { return };
        let has_room = sandbox.has_room(self.limits.concurrency);
        if !has_room || sandbox.end.is_cancelled() || is_used_up(&self.limits, sandbox) {
            return;
        }
        let is_below = |other: &&Key| sandbox.is_provisioned || !self.sandboxes[other].is_provisioned;
        let place = self.ready.iter().take_while(is_below).count();
        self.ready.insert(place, key);
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
    ///
    /// Events that waited for its start are lost with it; but one that could not be started, for want of ports or memory,
    /// leaves them to the others, if there are any.
    pub(super) fn ended(&mut self, key: Key) -> Option<(Sandbox, Vec<Key>)> {
        let mut sandbox = self.sandboxes.remove(&key)?;
        self.settle(key);
        let was_started = sandbox.process.is_some();
        let waits = if was_started { sandbox.init.is_some() } else { !self.sandboxes.is_empty() };
        if waits && !self.is_closing {
            sandbox.unseen().rev().for_each(|invocation| self.queue.push_front(invocation));
        }
        while sandbox.begin_bound().is_some() {}
        let mut starts = Vec::new();
        while was_started && !self.is_closing && self.sandboxes.len() < self.limits.sandboxes_max {
            let Some(invocation) = self.queue.pop() else { break };
            starts.push(self.enter(Some(invocation), false));
        }
        Some((sandbox, starts))
    }

    /// What is bound to sandboxes that do not come for it, to be placed again.
    pub(super) fn take_unmet(&mut self, now: Instant) -> Vec<Invocation> {
        let mut unmet = Vec::new();
        for sandbox in self.sandboxes.values_mut().filter(|sandbox| sandbox.works_on(now) > Some(ASKS_AGAIN)) {
            unmet.extend(sandbox.unseen());
        }
        unmet
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
            let is_stuck = sandbox.works_on(now) > Some(self.limits.timeout);
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
        while let Some(invocation) = self.queue.pop() {
            invocation.turn_away(End::Stopped);
        }
        self.sandboxes.values().for_each(|sandbox| sandbox.end.cancel());
    }
}

/// Without any idle time a sandbox is for one event.
fn is_used_up(limits: &Limits, sandbox: &Sandbox) -> bool {
    limits.idle.is_zero() && sandbox.is_used && !sandbox.is_provisioned
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
