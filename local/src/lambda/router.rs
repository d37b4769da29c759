//! Which function answers a request, with the priorities of an API Gateway HTTP API.
//!
//! A route that matches the whole path comes first, then one that ends in a greedy `{name+}`, then `$default`; within
//! each, a route of the request's method before one of `ANY`. The path is decoded before it is compared, so `%2F` in
//! the place of a parameter divides it.

mod pattern;
mod table;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http::Method;
use percent_encoding::percent_decode_str;
use serde::ser::{Serialize, Serializer};

use self::pattern::Pattern;
use self::table::Table;
use super::template::{Function, Route};

pub(crate) struct Router {
    entries: Vec<Entry>,
    whole: Table,
    greedy: Table,
    default: Option<usize>,
}

/// A route of a function.
struct Entry {
    function: usize,
    route_key: String,
    integration_timeout: Duration,
}

/// The route of a request.
#[derive(Debug)]
pub(crate) struct Found<'router, 'path> {
    /// The place of the function in the slice the router was made from.
    pub(crate) function: usize,
    /// `POST /api/v1/items/{id}/bid`
    pub(crate) route_key: &'router str,
    pub(crate) path_parameters: PathParameters<'router, 'path>,
    pub(crate) integration_timeout: Duration,
}

/// Serialized as a map of names to values.
#[derive(Debug, Default)]
pub(crate) struct PathParameters<'router, 'path>(Option<matchit::Params<'router, 'path>>);

/// The path as API Gateway routes and reports it: decoded once, and without what follows a decoded question mark.
pub(crate) fn decoded_path(path: &str) -> Cow<'_, str> {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    match decoded.find('?') {
        Some(end) => Cow::Owned(decoded[..end].to_owned()),
        None => decoded,
    }
}

impl Router {
    pub(crate) fn new(functions: &[Function]) -> Result<Self> {
        let mut router = Self { entries: Vec::new(), whole: Table::default(), greedy: Table::default(), default: None };
        for (function, declaration) in functions.iter().enumerate() {
            for route in &declaration.routes {
                let added = router.add(function, route);
                added.with_context(|| format!("{}: route {}", declaration.logical_id, route.key()))?;
            }
        }
        Ok(router)
    }

    /// `path` is a decoded one.
    pub(crate) fn find<'router, 'path>(
        &'router self,
        method: &Method,
        path: &'path str,
    ) -> Option<Found<'router, 'path>> {
        if !path.starts_with('/') {
            return None;
        }
        let matched = self.whole.find(method, path).or_else(|| self.greedy.find(method, path));
        let (place, path_parameters) = match matched {
            Some((place, parameters)) => (place, PathParameters(Some(parameters))),
            None => (self.default?, PathParameters::default()),
        };
        let Entry { function, route_key, integration_timeout } = &self.entries[place];
        let (function, integration_timeout) = (*function, *integration_timeout);
        Some(Found { function, route_key, path_parameters, integration_timeout })
    }

    fn add(&mut self, function: usize, route: &Route) -> Result<()> {
        let place = self.entries.len();
        match Pattern::parse(&route.path)? {
            Pattern::Default => ensure!(self.default.replace(place).is_none(), "there is another default route"),
            Pattern::Whole(path) => self.whole.insert(&route.method, path, place)?,
            Pattern::Greedy(path) => self.greedy.insert(&route.method, path, place)?,
        }
        let (route_key, integration_timeout) = (route.key(), route.integration_timeout);
        self.entries.push(Entry { function, route_key, integration_timeout });
        Ok(())
    }
}

impl PathParameters<'_, '_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(matchit::Params::iter)
    }
}

impl Serialize for PathParameters<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}
