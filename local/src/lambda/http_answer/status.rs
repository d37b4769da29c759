//! `statusCode` of an answer.

use std::fmt;

use http::StatusCode;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A number or its text, and a status that ends an exchange.
pub(super) struct Status(pub(super) StatusCode);

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StatusVisitor;
        impl Visitor<'_> for StatusVisitor {
            type Value = Status;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a status from 200 to 599")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Status, E> {
                let code = u16::try_from(number).ok().filter(|code| (200..600).contains(code));
                let status = code.and_then(|code| StatusCode::from_u16(code).ok());
                status.map(Status).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Status, E> {
                let number = text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))?;
                self.visit_u64(number)
            }
        }
        deserializer.deserialize_any(StatusVisitor)
    }
}
