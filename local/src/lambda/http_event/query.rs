//! `queryStringParameters`: decoded, and the values of one name joined by commas.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::headers::{Displayed, write_joined};

/// Sorted by name; the values of a name in the order they were sent.
pub(super) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    pub(super) fn of(query: &'a str) -> Self {
        let mut parameters: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        parameters.sort_by(|one, other| one.0.cmp(&other.0));
        Self(parameters)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Query<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for of_one_name in self.0.chunk_by(|one, other| one.0 == other.0) {
            map.serialize_entry(&of_one_name[0].0, &Displayed(Values(of_one_name)))?;
        }
        map.end()
    }
}

struct Values<'a>(&'a [(Cow<'a, str>, Cow<'a, str>)]);

impl fmt::Display for Values<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_joined(formatter, self.0.iter().map(|(_, value)| value))
    }
}
