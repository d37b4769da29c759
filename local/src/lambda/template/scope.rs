//! What a name in the template may mean: a parameter, a condition, a resource.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use super::node::Node;

pub(super) struct Scope<'t> {
    parameters: BTreeMap<&'t str, Parameter>,
    conditions: BTreeMap<&'t str, &'t Node>,
    /// Each with its type.
    resources: BTreeMap<&'t str, &'t str>,
}

#[derive(Clone, Debug)]
pub(super) enum Parameter {
    Known(Node),
    OnlyDeployed(String),
    Missing,
}

impl<'t> Scope<'t> {
    pub(super) fn new(template: &'t Node, given: &BTreeMap<String, String>) -> Result<Self> {
        let mut parameters = BTreeMap::new();
        for (name, declaration) in section(template, "Parameters")? {
            let parameter = Parameter::read(declaration, given.get(name));
            parameters.insert(name, parameter.with_context(|| format!("Parameters.{name}"))?);
        }
        let resource_type = |node: &'t Node| match node.get("Type") {
            Some(Node::Text(kind)) => kind.as_str(),
            _ => "",
        };
        Ok(Self {
            parameters,
            conditions: section(template, "Conditions")?.collect(),
            resources: section(template, "Resources")?.map(|(name, node)| (name, resource_type(node))).collect(),
        })
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.get(name)
    }

    /// SAM makes resources out of others and calls them after those: `PlaceBidFunctionRole`, `ServerlessHttpApi`.
    pub(super) fn has_resource(&self, name: &str) -> bool {
        let made_from =
            |(other, kind): (&&str, &&str)| kind.starts_with("AWS::Serverless::") && name.starts_with(*other);
        self.resources.contains_key(name)
            || name.starts_with("ServerlessHttpApi")
            || self.resources.iter().any(made_from)
    }

    pub(super) fn condition(&self, name: &str) -> Result<&'t Node> {
        let condition = self.conditions.get(name).copied();
        condition.with_context(|| format!("there is no condition {name}"))
    }

    pub(super) fn condition_count(&self) -> usize {
        self.conditions.len()
    }
}

impl Parameter {
    fn read(declaration: &Node, given: Option<&String>) -> Result<Self> {
        let kind = text(declaration.get("Type"), "Type")?.context("there is no Type")?;
        let default = text(declaration.get("Default"), "Default")?;
        let value = match (given, default) {
            (Some(given), _) => given,
            (None, Some(path)) if kind.starts_with("AWS::SSM::") => {
                return Ok(Self::OnlyDeployed(format!("the SSM parameter {path}")));
            }
            (None, Some(default)) => default,
            (None, None) => return Ok(Self::Missing),
        };
        let is_list = kind.contains("CommaDelimitedList") || kind.contains("List<");
        Ok(Self::Known(if is_list { list(value) } else { Node::Text(value.clone()) }))
    }
}

fn list(value: &str) -> Node {
    let elements = value.split(',').map(str::trim).filter(|_| !value.is_empty());
    Node::List(elements.map(|element| Node::Text(element.to_owned())).collect())
}

fn section<'t>(template: &'t Node, name: &str) -> Result<impl Iterator<Item = (&'t str, &'t Node)>> {
    let entries = match template.get(name) {
        Some(Node::Map(entries)) => entries.as_slice(),
        None | Some(Node::Null) => &[],
        Some(_) => bail!("{name} is no map"),
    };
    let generated = entries.iter().find(|(entry, _)| entry.starts_with("Fn::"));
    ensure!(generated.is_none(), "{name}: the function {} is not known here", generated.map_or("", |(entry, _)| entry));
    Ok(entries.iter().map(|(name, node)| (name.as_str(), node)))
}

fn text<'t>(node: Option<&'t Node>, name: &str) -> Result<Option<&'t String>> {
    match node {
        Some(Node::Text(text)) => Ok(Some(text)),
        None | Some(Node::Null) => Ok(None),
        Some(_) => bail!("{name} is no text"),
    }
}
