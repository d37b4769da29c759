//! What Lambda makes of messages, and of the function's answer.

use std::collections::HashSet;

use aws_sdk_sqs::types::Message;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{REGION, arn};

/// The event for the function.
pub(super) fn event(queue: &str, messages: &[Message]) -> Bytes {
    let records: Vec<Value> = messages.iter().map(|message| record(queue, message)).collect();
    json!({ "Records": records }).to_string().into()
}

fn record(queue: &str, message: &Message) -> Value {
    let attributes = message.attributes.iter().flatten().map(|(name, value)| (name.as_str().to_owned(), json!(value)));
    let message_attributes = message.message_attributes.iter().flatten().map(|(name, value)| {
        let value = json!({
            "stringValue": value.string_value,
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": value.data_type,
        });
        (name.clone(), value)
    });
    json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": Map::from_iter(attributes),
        "messageAttributes": Map::from_iter(message_attributes),
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": arn(queue),
        "awsRegion": REGION,
    })
}

/// Which messages the function has dealt with. An answer that Lambda would not understand counts as a failure of all.
pub(super) fn dealt_with<'m>(messages: &'m [Message], answer: &[u8], reports_failures: bool) -> Vec<&'m Message> {
    let all = messages.iter().collect();
    if !reports_failures {
        return all;
    }
    let Some(failed) = failures(answer) else { return Vec::new() };
    let id = |message: &Message| message.message_id.clone().unwrap_or_default();
    let known: HashSet<String> = messages.iter().map(id).collect();
    if !failed.is_subset(&known) {
        return Vec::new();
    }
    messages.iter().filter(|message| !failed.contains(&id(message))).collect()
}

/// Nothing, null and an empty list are successes.
fn failures(answer: &[u8]) -> Option<HashSet<String>> {
    if answer.is_empty() {
        return Some(HashSet::new());
    }
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let failures = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return Some(HashSet::new()),
        Some(failures) => failures.as_array()?,
    };
    let id = |failure: &Value| Some(failure.get("itemIdentifier")?.as_str().filter(|id| !id.is_empty())?.to_owned());
    failures.iter().map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Vec<Message> {
        ["a", "b", "c"].map(|id| Message::builder().message_id(id).body("{}").receipt_handle(id).build()).to_vec()
    }

    fn ids(answer: &str, reports_failures: bool) -> Vec<String> {
        let messages = messages();
        let dealt_with = dealt_with(&messages, answer.as_bytes(), reports_failures);
        dealt_with.iter().filter_map(|message| message.message_id.clone()).collect()
    }

    #[test]
    fn what_is_not_reported_is_dealt_with() {
        for answer in ["", "null", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#] {
            assert_eq!(ids(answer, true), ["a", "b", "c"], "{answer}");
        }
        assert_eq!(ids(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, true), ["a", "c"]);
        assert_eq!(ids(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, false), ["a", "b", "c"], "nobody asked");
    }

    #[test]
    fn what_lambda_would_not_understand_is_a_failure_of_all() {
        for failure in
            [r#"{"itemIdentifier":"x"}"#, r#"{"itemIdentifier":""}"#, r#"{"itemIdentifier":null}"#, "{}", "1"]
        {
            assert_eq!(
                ids(&format!(r#"{{"batchItemFailures":[{failure}]}}"#), true),
                Vec::<String>::new(),
                "{failure}"
            );
        }
        assert_eq!(ids("not JSON", true), Vec::<String>::new());
        assert_eq!(ids(r#"{"batchItemFailures":1}"#, true), Vec::<String>::new());
    }
}
