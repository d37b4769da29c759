//! The commands of a connection that watches several items, and their answers. README.md is their reference.

use auction::ItemId;
use serde::{Deserialize, Serialize};

use crate::item::Since;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Subscribe { item: ItemId, since: Option<Since> },
    Unsubscribe { item: ItemId },
    Ping,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(crate) enum Answer<'a> {
    Pong,
    Unsubscribed {
        item_id: &'a ItemId,
    },
    /// The relay ended the subscription: code and reason are those of a close frame.
    Closed {
        item_id: &'a ItemId,
        code: u16,
        reason: &'a str,
    },
    Error {
        code: Fault,
        detail: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        item_id: Option<&'a ItemId>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    BadCommand,
    BadItemId,
    BadSince,
    AlreadySubscribed,
    NotSubscribed,
    TooManySubscriptions,
    TooManyCommands,
    Full,
}

/// As it comes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Command {
    #[serde(rename = "type")]
    kind: Kind,
    item_id: Option<String>,
    since: Option<u64>,
    epoch: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Subscribe,
    Unsubscribe,
    Ping,
}

impl Request {
    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        let command: Command = serde_json::from_str(text).map_err(|_| Fault::BadCommand)?;
        let item =
            command.item_id.ok_or(Fault::BadItemId).and_then(|id| ItemId::parse(&id).map_err(|_| Fault::BadItemId));
        let since = Since::new(command.since, command.epoch).map_err(|_| Fault::BadSince);
        match command.kind {
            Kind::Subscribe => Ok(Self::Subscribe { item: item?, since: since? }),
            Kind::Unsubscribe => Ok(Self::Unsubscribe { item: item? }),
            Kind::Ping => Ok(Self::Ping),
        }
    }
}

impl<'a> Answer<'a> {
    pub(crate) fn error(code: Fault, item_id: Option<&'a ItemId>) -> Self {
        Self::Error { code, detail: code.detail(), item_id }
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an answer's fields always have a JSON form")
    }
}

impl Fault {
    fn detail(self) -> &'static str {
        match self {
            Self::BadCommand => "expected {\"type\":\"subscribe\" | \"unsubscribe\" | \"ping\", …}",
            Self::BadItemId => "itemId is missing, or is no item id",
            Self::BadSince => "an epoch without a since means nothing",
            Self::AlreadySubscribed => "this item is watched already",
            Self::NotSubscribed => "this item is not watched",
            Self::TooManySubscriptions => "a connection may watch 100 items",
            Self::TooManyCommands => "50 commands a second are enough; this one was not done",
            Self::Full => "the relay watches as many items as it can",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str) -> ItemId {
        ItemId::parse(id).unwrap()
    }

    #[test]
    fn commands_are_read_and_what_is_none_has_a_code() {
        let since = |seq, epoch| Some(Since { seq, epoch });
        for (text, expected) in [
            (r#"{"type":"subscribe","itemId":"lot1"}"#, Ok(Request::Subscribe { item: item("lot1"), since: None })),
            (
                r#"{"type":"subscribe","itemId":"lot1","since":4,"epoch":2}"#,
                Ok(Request::Subscribe { item: item("lot1"), since: since(4, Some(2)) }),
            ),
            (r#"{"type":"unsubscribe","itemId":"lot1"}"#, Ok(Request::Unsubscribe { item: item("lot1") })),
            (r#"{"type":"ping"}"#, Ok(Request::Ping)),
            (r#"{"type":"subscribe"}"#, Err(Fault::BadItemId)),
            (r#"{"type":"subscribe","itemId":"a.b"}"#, Err(Fault::BadItemId)),
            (r#"{"type":"subscribe","itemId":"lot1","epoch":2}"#, Err(Fault::BadSince)),
            (r#"{"type":"bid","itemId":"lot1"}"#, Err(Fault::BadCommand)),
            (r#"{"type":"ping","more":1}"#, Err(Fault::BadCommand)),
            ("[]", Err(Fault::BadCommand)),
        ] {
            assert_eq!(Request::read(text), expected, "{text}");
        }
    }

    #[test]
    fn the_wire_form_of_answers_is_pinned() {
        let lot = item("lot1");
        assert_eq!(Answer::Pong.to_json(), r#"{"type":"pong"}"#);
        assert_eq!(Answer::Unsubscribed { item_id: &lot }.to_json(), r#"{"type":"unsubscribed","itemId":"lot1"}"#);
        let closed = Answer::Closed { item_id: &lot, code: 1013, reason: "too slow" };
        assert_eq!(closed.to_json(), r#"{"type":"closed","itemId":"lot1","code":1013,"reason":"too slow"}"#);
        let error = Answer::error(Fault::NotSubscribed, Some(&lot)).to_json();
        assert_eq!(
            error,
            r#"{"type":"error","code":"not-subscribed","detail":"this item is not watched","itemId":"lot1"}"#
        );
    }
}
