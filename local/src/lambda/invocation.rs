//! One event on its way through a sandbox, and what came of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;
use uuid::Uuid;

/// An event that waits for a sandbox.
pub(super) struct Invocation {
    pub(super) request_id: Uuid,
    pub(super) payload: Bytes,
    pub(super) trace_id: String,
    pub(super) arrived: Instant,
    /// Whoever waits for it may have gone: the event is judged all the same, as on Lambda.
    answer: oneshot::Sender<Outcome>,
}

/// What a sandbox gets to read.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) request_id: Uuid,
    pub(super) payload: Bytes,
    pub(super) trace_id: String,
}

/// An event that a sandbox has got and not answered yet.
pub(super) struct Running {
    answer: oneshot::Sender<Outcome>,
    pub(super) began: Instant,
    pub(super) waited: Duration,
    pub(super) is_cold: bool,
}

#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) end: End,
    /// None if no sandbox ever had it.
    pub(super) sandbox: Option<Used>,
}

/// The sandbox that an event was given to.
#[derive(Clone, Debug)]
pub(super) struct Used {
    pub(super) id: Arc<str>,
    /// The event waited for its initialisation.
    pub(super) is_cold: bool,
}

/// How an invocation ended.
#[derive(Debug)]
pub(super) enum End {
    Answered(Bytes),
    /// The handler returned an error, or panicked; its JSON says what.
    Failed(Bytes),
    /// The process ended before it answered.
    Crashed,
    TimedOut,
    /// Every sandbox was busy and the queue was full.
    Throttled,
    /// The functions are being stopped.
    Stopped,
}

impl End {
    /// As the reports call it, with Lambda's words.
    pub(super) fn status(&self) -> &'static str {
        match self {
            Self::Answered(_) => "success",
            Self::Failed(_) | Self::Crashed => "error",
            Self::TimedOut => "timeout",
            Self::Throttled => "throttled",
            Self::Stopped => "stopped",
        }
    }
}

impl Invocation {
    pub(super) fn new(request_id: Uuid, payload: Bytes, trace_id: String) -> (Self, oneshot::Receiver<Outcome>) {
        let (answer, outcome) = oneshot::channel();
        (Self { request_id, payload, trace_id, arrived: Instant::now(), answer }, outcome)
    }

    pub(super) fn begin(self, is_cold: bool) -> (Event, Running) {
        let began = Instant::now();
        let waited = began - self.arrived;
        let event = Event { request_id: self.request_id, payload: self.payload, trace_id: self.trace_id };
        (event, Running { answer: self.answer, began, waited, is_cold })
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn is_given_up(&self) -> bool {
        self.answer.is_closed()
    }

    /// Ends it before any sandbox had it.
    pub(super) fn turn_away(self, end: End) {
        let _ = self.answer.send(Outcome { end, sandbox: None });
    }
}

impl Running {
    pub(super) fn end(self, end: End, sandbox: &Arc<str>) {
        let used = Used { id: Arc::clone(sandbox), is_cold: self.is_cold };
        let _ = self.answer.send(Outcome { end, sandbox: Some(used) });
    }

    /// Takes the event back: it never reached the sandbox.
    pub(super) fn undo(self, event: Event) -> Invocation {
        let arrived = self.began - self.waited;
        let Event { request_id, payload, trace_id } = event;
        Invocation { request_id, payload, trace_id, arrived, answer: self.answer }
    }
}
