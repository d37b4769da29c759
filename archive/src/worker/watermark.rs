//! Up to when PostgreSQL has everything, where a queue archives: it moves on while PostgreSQL works, and for as long before
//! as a message may take that the function has failed on.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use time::OffsetDateTime;

use crate::limits;

#[derive(Default)]
pub(super) struct Watermark(Mutex<State>);

#[derive(Default)]
struct State {
    works_since: Option<Instant>,
    complete_until: Option<OffsetDateTime>,
}

impl Watermark {
    /// To be told again and again.
    pub(super) fn note(&self, works: bool) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !works {
            state.works_since = None;
            return;
        }
        let since = *state.works_since.get_or_insert_with(Instant::now);
        if since.elapsed() > limits::QUEUE_LATENESS {
            state.complete_until = Some(OffsetDateTime::now_utc() - limits::QUEUE_LATENESS);
        }
    }

    /// None: not known.
    pub(super) fn complete_until(&self) -> Option<OffsetDateTime> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).complete_until
    }
}
