//! Telling JetStream what became of its messages.

use async_nats::jetstream::{AckKind, Message};
use tokio::time::timeout;

use crate::limits;

/// Messages by what JetStream is to do with them.
#[derive(Default)]
pub(super) struct Acks {
    /// They are archived or set aside.
    pub(super) taken: Vec<Message>,
    /// This worker does not get to them: another one, or its successor, may have them at once.
    pub(super) given_back: Vec<Message>,
}

impl Acks {
    /// Sends them without waiting for an answer. One that is lost means that the message comes again, and the sink
    /// ignores what it has.
    pub(super) async fn send(self) {
        let all = async {
            let Self { taken, given_back } = &self;
            for (messages, kind) in [(taken, AckKind::Ack), (given_back, AckKind::Nak(None))] {
                for message in messages {
                    message.ack_with(kind).await?;
                }
            }
            Ok::<(), async_nats::Error>(())
        };
        let sent = timeout(limits::ACK_DEADLINE, all).await;
        if !matches!(sent, Ok(Ok(()))) {
            tracing::debug!("acks not sent: the messages will come again");
        }
    }
}
