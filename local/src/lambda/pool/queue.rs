//! Events that found every sandbox busy, first come, first served.

use std::collections::VecDeque;

use crate::lambda::invocation::Invocation;

/// Their payloads together: some thousand bids, or ten of the largest events.
const BYTES_MAX: usize = 64 * 1024 * 1024;

pub(super) struct Queue {
    waiting: VecDeque<Invocation>,
    bytes: usize,
    length_max: usize,
}

impl Queue {
    pub(super) fn new(length_max: usize) -> Self {
        Self { waiting: VecDeque::new(), bytes: 0, length_max }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Gives it back if there is no room.
    pub(super) fn push(&mut self, invocation: Invocation) -> Result<(), Invocation> {
        let bytes = self.bytes + invocation.payload.len();
        if self.waiting.len() >= self.length_max || bytes > BYTES_MAX {
            return Err(invocation);
        }
        self.bytes = bytes;
        self.waiting.push_back(invocation);
        Ok(())
    }

    /// For one that had its turn already: it is not turned away now.
    pub(super) fn push_front(&mut self, invocation: Invocation) {
        self.bytes += invocation.payload.len();
        self.waiting.push_front(invocation);
    }

    /// The next one that somebody still waits for. On Lambda nothing waits before a sandbox, so what was given up here was
    /// never begun.
    pub(super) fn pop(&mut self) -> Option<Invocation> {
        loop {
            let invocation = self.waiting.pop_front()?;
            self.bytes -= invocation.payload.len();
            if !invocation.is_given_up() {
                return Some(invocation);
            }
        }
    }
}
