//! A place in the template that knows its path, so that an error names it.

use std::fmt;
use std::ops::RangeInclusive;

use anyhow::{Context, Result, anyhow};

use super::Variable;
use super::intrinsic::Value;
use super::node::Node;
use super::scope::Scope;

pub(super) struct Place<'t> {
    pub(super) scope: &'t Scope<'t>,
    path: String,
    value: Result<Node, OnlyDeployed>,
}

#[derive(Clone)]
struct OnlyDeployed(String);

impl<'t> Place<'t> {
    pub(super) fn root(scope: &'t Scope<'t>, node: &Node) -> Self {
        Self { scope, path: String::new(), value: Ok(node.clone()) }
    }

    /// What stands below under this name. `None` if nothing does, or `AWS::NoValue`.
    pub(super) fn child(&self, name: &str) -> Result<Option<Self>> {
        match self.map()?.iter().find(|(other, _)| other == name) {
            Some((_, node)) => self.below(name, node),
            None => Ok(None),
        }
    }

    pub(super) fn required(&self, name: &str) -> Result<Self> {
        self.child(name)?.with_context(|| self.path_of(name)).context("missing")
    }

    /// The children, in the order they are written.
    pub(super) fn entries(&self) -> Result<Vec<(String, Self)>> {
        let mut entries = Vec::new();
        for (name, node) in self.map()? {
            entries.extend(self.below(name, node)?.map(|place| (name.clone(), place)));
        }
        Ok(entries)
    }

    /// This with the defaults of `globals` below it.
    pub(super) fn over(self, globals: Option<&Self>) -> Result<Self> {
        let value = match (&self.value, globals) {
            (Ok(own), Some(globals)) => Ok(own.over(globals.node()?)),
            (value, _) => value.clone(),
        };
        Ok(Self { value, ..self })
    }

    pub(super) fn text(&self) -> Result<&str> {
        match self.node()? {
            Node::Text(text) => Ok(text),
            _ => Err(self.error("not a text")),
        }
    }

    pub(super) fn number(&self, allowed: RangeInclusive<u32>) -> Result<u32> {
        let text = self.text()?;
        let number = text.parse().ok().filter(|number| allowed.contains(number));
        let (least, most) = allowed.into_inner();
        number.ok_or_else(|| self.error(format_args!("`{text}` is not a number from {least} to {most}")))
    }

    pub(super) fn flag(&self) -> Result<bool> {
        let text = self.text()?;
        text.parse().map_err(|_| self.error(format_args!("`{text}` is neither true nor false")))
    }

    pub(super) fn texts(&self) -> Result<Vec<String>> {
        let Node::List(elements) = self.node()? else { return Err(self.error("not a list")) };
        let mut texts = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            if let Some(place) = self.below(&index.to_string(), element)? {
                texts.push(place.text()?.to_owned());
            }
        }
        Ok(texts)
    }

    pub(super) fn variable(&self) -> Result<Variable> {
        match &self.value {
            Err(OnlyDeployed(what)) => Ok(Variable::OnlyDeployed(what.clone())),
            Ok(_) => self.text().map(|text| Variable::Known(text.to_owned())),
        }
    }

    /// The logical id of `!GetAtt Resource.Attribute`.
    pub(super) fn resource_of(&self, attribute: &str) -> Result<String> {
        let resource = match &self.value {
            Err(OnlyDeployed(what)) => what.strip_suffix(attribute).and_then(|what| what.strip_suffix('.')),
            Ok(_) => None,
        };
        resource.map(str::to_owned).ok_or_else(|| self.error(format_args!("not the {attribute} of a resource")))
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.value, Ok(Node::Map(_)))
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.value, Ok(Node::List(_)))
    }

    pub(super) fn error(&self, what: impl fmt::Display) -> anyhow::Error {
        anyhow!("{}: {what}", self.path)
    }

    fn below(&self, name: &str, node: &Node) -> Result<Option<Self>> {
        let path = self.path_of(name);
        let value = match self.scope.resolve(node).with_context(|| path.clone())? {
            Value::Known(node) => Ok(node),
            Value::OnlyDeployed(what) => Err(OnlyDeployed(what)),
            Value::Absent => return Ok(None),
        };
        Ok(Some(Self { scope: self.scope, path, value }))
    }

    fn map(&self) -> Result<&[(String, Node)]> {
        match self.node()? {
            Node::Map(entries) => Ok(entries),
            _ => Err(self.error("not a map")),
        }
    }

    fn node(&self) -> Result<&Node> {
        let only_deployed = |OnlyDeployed(what): &OnlyDeployed| {
            self.error(format_args!("{what} is known only when deployed, which serves in environment variables only"))
        };
        self.value.as_ref().map_err(only_deployed)
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}
