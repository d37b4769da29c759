//! What JetStream delivers, as an event for the sink.

use async_nats::jetstream::Message;
use ledger::OutboxId;

use crate::{Delivery, Unreadable};

#[derive(Debug, thiserror::Error)]
pub(super) enum NotOurs {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("it was not published on its item's subject")]
    WrongSubject,
}

pub(super) fn read(message: &Message) -> Result<Delivery, NotOurs> {
    let headers = message.headers.as_ref();
    let outbox_id = headers.and_then(|headers| OutboxId::parse(headers.get(OutboxId::HEADER)?.as_str()));
    let delivery = Delivery::read(&message.payload, outbox_id)?;
    match auction::event::subject(&delivery.event().item_id) == message.subject.as_str() {
        true => Ok(delivery),
        false => Err(NotOurs::WrongSubject),
    }
}

/// Where it stands in the stream, which keeps it for a week, and how it begins.
pub(super) fn describe(message: &Message) -> String {
    const BYTES_SHOWN: usize = 80;
    let stream_sequence = message.info().map_or(0, |info| info.stream_sequence);
    let beginning = &message.payload[..message.payload.len().min(BYTES_SHOWN)];
    format!("message {stream_sequence} on {}: {}", message.subject, beginning.escape_ascii())
}
