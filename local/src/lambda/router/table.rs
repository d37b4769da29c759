//! The paths of one priority.

use std::collections::HashMap;

use anyhow::{Context, Result};
use http::Method;

use crate::lambda::template::RouteMethod;

/// Each path has its place in `Router::entries`.
#[derive(Default)]
pub(super) struct Table {
    methods: HashMap<Method, matchit::Router<usize>>,
    any: matchit::Router<usize>,
}

impl Table {
    pub(super) fn insert(&mut self, method: &RouteMethod, path: String, place: usize) -> Result<()> {
        let paths = match method {
            RouteMethod::Any => &mut self.any,
            RouteMethod::Exact(method) => self.methods.entry(method.clone()).or_default(),
        };
        paths.insert(path, place).context("there is another route for the same requests")
    }

    pub(super) fn find<'table, 'path>(
        &'table self,
        method: &Method,
        path: &'path str,
    ) -> Option<(usize, matchit::Params<'table, 'path>)> {
        let of_method = self.methods.get(method).and_then(|paths| at(paths, path));
        of_method.or_else(|| at(&self.any, path))
    }
}

/// An empty segment is no value of a parameter.
fn at<'table, 'path>(
    paths: &'table matchit::Router<usize>,
    path: &'path str,
) -> Option<(usize, matchit::Params<'table, 'path>)> {
    let matched = paths.at(path).ok()?;
    let filled = matched.params.iter().all(|(_, value)| !value.is_empty());
    filled.then_some((*matched.value, matched.params))
}
