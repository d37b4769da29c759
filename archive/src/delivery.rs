//! An event on its way into the archive.

use auction::{AuctionEvent, event::EventError};
use ledger::OutboxId;

use crate::limits;

/// An event with the bytes it came in, which are what is archived: they may hold fields of a newer writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    event: AuctionEvent,
    payload: String,
    outbox_id: Option<OutboxId>,
    is_in_log: bool,
}

/// Why bytes cannot be archived as an event.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("{length} bytes: an event has at most {}", limits::EVENT_BYTES_MAX)]
    TooLong { length: usize },
    #[error("not UTF-8")]
    NotUtf8,
    #[error(transparent)]
    NotAnEvent(#[from] EventError),
    #[error("the position is out of range")]
    PositionOutOfRange,
}

impl Delivery {
    /// Reads an event as it travels, with its place in the outbox if it has one.
    pub fn read(bytes: &[u8], outbox_id: Option<OutboxId>) -> Result<Self, Unreadable> {
        if bytes.len() > limits::EVENT_BYTES_MAX {
            return Err(Unreadable::TooLong { length: bytes.len() });
        }
        let payload = std::str::from_utf8(bytes).map_err(|_| Unreadable::NotUtf8)?;
        let event = AuctionEvent::from_json(bytes)?;
        let storable = |number: u64| i64::try_from(number).is_ok();
        if !storable(event.position.epoch) || !storable(event.position.seq) {
            return Err(Unreadable::PositionOutOfRange);
        }
        Ok(Self { event, payload: payload.to_owned(), outbox_id, is_in_log: false })
    }

    pub fn event(&self) -> &AuctionEvent {
        &self.event
    }

    pub fn payload(&self) -> &str {
        &self.payload
    }

    pub fn outbox_id(&self) -> Option<&OutboxId> {
        self.outbox_id.as_ref()
    }

    /// Marks it as found in its item's log: Redis has not lost it.
    pub(crate) fn found_in_log(self) -> Self {
        Self { is_in_log: true, ..self }
    }

    pub(crate) fn is_in_log(&self) -> bool {
        self.is_in_log
    }

    /// As PostgreSQL counts, which has no unsigned numbers.
    pub(crate) fn epoch(&self) -> i64 {
        self.event.position.epoch.cast_signed()
    }

    /// As PostgreSQL counts, which has no unsigned numbers.
    pub(crate) fn seq(&self) -> i64 {
        self.event.position.seq.cast_signed()
    }
}
