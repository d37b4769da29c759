//! What JetStream delivers, as an event for the sink.

use async_nats::jetstream::Message;
use ledger::OutboxId;

use crate::{Delivery, SetAside, Unreadable};

#[derive(Debug, thiserror::Error)]
pub(super) enum NotOurs {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("it was not published on its item's subject")]
    WrongSubject,
}

/// The messages that are events, and those that are not.
pub(super) fn read_all(messages: &[Message]) -> (Vec<Delivery>, Vec<SetAside>) {
    let (mut deliveries, mut unreadable) = (Vec::new(), Vec::new());
    for message in messages {
        match read(message) {
            Ok(delivery) => deliveries.push(delivery),
            Err(error) => unreadable.push(SetAside::unreadable(describe(message), &error, &message.payload)),
        }
    }
    (deliveries, unreadable)
}

fn read(message: &Message) -> Result<Delivery, NotOurs> {
    let headers = message.headers.as_ref();
    let outbox_id = headers.and_then(|headers| OutboxId::parse(headers.get(OutboxId::HEADER)?.as_str()));
    let delivery = Delivery::read(&message.payload, outbox_id)?;
    match auction::event::subject(&delivery.event().item_id) == message.subject.as_str() {
        true => Ok(delivery),
        false => Err(NotOurs::WrongSubject),
    }
}

/// Where it stands in the stream.
fn describe(message: &Message) -> String {
    let stream_sequence = message.info().map_or(0, |info| info.stream_sequence);
    format!("message {stream_sequence} on {}", message.subject)
}
