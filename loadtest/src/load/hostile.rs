//! What is no bid, each with the status it must be answered.

/// A body to be posted to the bids of an item.
pub(super) struct Hostile {
    pub(super) body: String,
    pub(super) content_type: &'static str,
    pub(super) status: u16,
}

pub(super) const JSON: &str = "application/json";
/// A body may have 4 KiB.
const TOO_LONG: usize = 5_000;

pub(super) fn hostile(dice: u64) -> Hostile {
    let bad = |body: &str| Hostile { body: body.to_owned(), content_type: JSON, status: 400 };
    let kinds = [
        || r#"{"user_id":"mallory","amount":-1}"#,
        || r#"{"user_id":"mallory","amount":0}"#,
        || r#"{"user_id":"mallory","amount":1e99}"#,
        || r#"{"user_id":"mallory","amount":0.001}"#,
        || r#"{"user_id":"mallory","amount":"inf"}"#,
        || r#"{"user_id":"mallory","amount":NaN}"#,
        || r#"{"user_id":"a b","amount":1}"#,
        || r#"{"user_id":"mallory\u0000","amount":1}"#,
        || r#"{"user_id":"mallory","amount":1,"price":1}"#,
        || r#"{"user_id":"mallory","amount":1,"amount":2}"#,
        || r#"{"user_id":"mallory"}"#,
        || "[[[[[[[[",
        || "",
    ];
    match dice as usize % (kinds.len() + 2) {
        0 => Hostile { body: " ".repeat(TOO_LONG), content_type: JSON, status: 413 },
        1 => {
            Hostile { body: r#"{"user_id":"mallory","amount":1}"#.to_owned(), content_type: "text/plain", status: 415 }
        }
        kind => bad(kinds[kind - 2]()),
    }
}
