//! Names of items and users, and keys of requests, checked once at the edge.
//!
//! The alphabets keep every name safe as a NATS token, a Redis key part, an SQS group id, a URL segment and a log
//! field, and free of the space that separates the fields of a stored record.

use serde::{Deserialize, Serialize};

/// An item's name: `^[A-Za-z0-9_-]{1,64}$`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ItemId(String);

/// A bidder's name: `^[A-Za-z0-9_.@:-]{1,128}$`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(String);

/// What a client calls a bid, to repeat it without bidding twice: `^[A-Za-z0-9_.:-]{1,128}$`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdempotencyKey(String);

/// Why a text is no id. The text itself is not repeated: it may be huge or hostile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("an item id is 1 to 64 of A-Z a-z 0-9 _ -")]
    Item,
    #[error("a user id is 1 to 128 of A-Z a-z 0-9 _ . @ : -")]
    User,
    #[error("an Idempotency-Key is 1 to 128 of A-Z a-z 0-9 _ . : -")]
    IdempotencyKey,
}

impl ItemId {
    pub const LENGTH_MAX: usize = 64;

    pub fn parse(text: &str) -> Result<Self, IdError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if is_name(text, Self::LENGTH_MAX, allowed) { Ok(Self(text.to_owned())) } else { Err(IdError::Item) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl UserId {
    pub const LENGTH_MAX: usize = 128;

    pub fn parse(text: &str) -> Result<Self, IdError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.@:-".contains(&byte);
        if is_name(text, Self::LENGTH_MAX, allowed) { Ok(Self(text.to_owned())) } else { Err(IdError::User) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl IdempotencyKey {
    pub const LENGTH_MAX: usize = 128;

    pub fn parse(text: &str) -> Result<Self, IdError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        if is_name(text, Self::LENGTH_MAX, allowed) { Ok(Self(text.to_owned())) } else { Err(IdError::IdempotencyKey) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_name(text: &str, length_max: usize, allowed: impl Fn(u8) -> bool) -> bool {
    (1..=length_max).contains(&text.len()) && text.bytes().all(allowed)
}

macro_rules! text_conversions {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_conversions!(ItemId);
text_conversions!(UserId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_takes_its_alphabet_up_to_its_length_and_nothing_else() {
        for good in ["a", "contested_item_1", "A-Z_9", &"x".repeat(64)] {
            assert!(ItemId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "*", ">", "{}", "a b", "a.b", "é", "a\n", "a\0", "item:1", "a@b", &"x".repeat(65)] {
            assert_eq!(ItemId::parse(bad), Err(IdError::Item), "{bad:?}");
        }
        for good in ["alice", "a.b@c.d", "urn:user:1", &"x".repeat(128)] {
            assert!(UserId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "*", "{}", "a/b", "é", "a\r", &"x".repeat(129)] {
            assert_eq!(UserId::parse(bad), Err(IdError::User), "{bad:?}");
        }
        for good in ["1", "7f9c1f0e-4a55-4d0e-9f0c-6a7d3f9b1c2d", "a.b:c_d", &"x".repeat(128)] {
            assert!(IdempotencyKey::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "\"a\"", "a@b", "é", "a\n", &"x".repeat(129)] {
            assert_eq!(IdempotencyKey::parse(bad), Err(IdError::IdempotencyKey), "{bad:?}");
        }
    }

    #[test]
    fn a_bad_id_does_not_deserialise() {
        assert!(serde_json::from_str::<ItemId>("\"a.b\"").is_err());
        assert_eq!(serde_json::from_str::<ItemId>("\"a\"").unwrap(), ItemId::parse("a").unwrap());
    }
}
