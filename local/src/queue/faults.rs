//! Faults on purpose, for whoever wants to see what they cost: with `QUEUE_FAULTS=3` every third message fails, with all
//! behind it of its group, and what the function gets of the others comes twice and in the wrong order.

use std::collections::HashSet;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};

#[derive(Default)]
pub(crate) struct Faults {
    /// None: nothing fails.
    every: Option<NonZeroU64>,
    seen: AtomicU64,
}

impl Faults {
    pub(crate) fn new(every: Option<NonZeroU64>) -> Self {
        Self { every, seen: AtomicU64::new(0) }
    }

    /// What the function gets of a batch. The rest counts as failed.
    pub(super) fn spared(&self, messages: &[Message]) -> Vec<Message> {
        let Some(every) = self.every else { return messages.to_vec() };
        let mut failed = HashSet::new();
        let mut spared = Vec::new();
        for message in messages {
            let group = group(message);
            if (self.seen.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(every.get()) {
                failed.insert(group);
            } else if !failed.contains(group) {
                spared.push(message.clone());
            }
        }
        spared.reverse();
        [spared.clone(), spared].concat()
    }
}

fn group(message: &Message) -> &str {
    let attributes = message.attributes.as_ref();
    attributes.and_then(|all| all.get(&MessageSystemAttributeName::MessageGroupId)).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, group: &str) -> Message {
        Message::builder().message_id(id).attributes(MessageSystemAttributeName::MessageGroupId, group).build()
    }

    fn ids(messages: &[Message]) -> Vec<&str> {
        messages.iter().filter_map(|message| message.message_id.as_deref()).collect()
    }

    #[test]
    fn every_third_fails_with_what_is_behind_it_and_the_others_come_twice_and_backwards() {
        let batch = [("a", "x"), ("b", "y"), ("c", "x"), ("d", "x"), ("e", "y")].map(|(id, group)| message(id, group));
        assert_eq!(ids(&Faults::new(NonZeroU64::new(3)).spared(&batch)), ["e", "b", "a", "e", "b", "a"]);
        assert_eq!(ids(&Faults::default().spared(&batch)), ["a", "b", "c", "d", "e"]);
    }
}
