//! The functions of CloudFormation, and what they come to.

mod condition;
mod list;
mod substitution;

use anyhow::{Context, Result, bail};

use super::Variable;
use super::node::Node;
use super::scope::{Parameter, Scope};

/// What stands at a place of the template.
#[derive(Debug)]
pub(super) enum Value {
    /// A map or a list as it is written: its parts are resolved when they are read.
    Known(Node),
    OnlyDeployed(String),
    /// Null, or `AWS::NoValue`.
    Absent,
}

impl Scope<'_> {
    pub(super) fn resolve(&self, node: &Node) -> Result<Value> {
        match (node.function(), node) {
            (Some((name, argument)), _) => self.call(name, argument),
            (None, Node::Null) => Ok(Value::Absent),
            (None, Node::Text(text)) => Ok(known_text(text.clone())),
            (None, node) => Ok(Value::Known(node.clone())),
        }
    }

    fn call(&self, name: &str, argument: &Node) -> Result<Value> {
        match name {
            "Ref" => self.reference(literal(argument)?),
            "Fn::GetAtt" => self.attribute(&attribute_path(argument)?),
            "Fn::Sub" => self.substitute(argument).map(Value::from),
            "Fn::If" => {
                let [condition, then, otherwise] = arguments(argument)?;
                let holds = self.holds(literal(condition)?)?;
                self.resolve(if holds { then } else { otherwise })
            }
            "Fn::Join" => self.join(argument).map(Value::from),
            "Fn::Split" => self.split(argument),
            "Fn::Select" => self.select(argument),
            _ => bail!("the function {name} is not known here"),
        }
        .with_context(|| name.to_owned())
    }

    fn reference(&self, name: &str) -> Result<Value> {
        let known = |text: &str| Ok(Value::Known(Node::Text(text.to_owned())));
        match (self.parameter(name), name) {
            (Some(Parameter::Known(Node::Text(text))), _) => Ok(known_text(text.clone())),
            (Some(Parameter::Known(node)), _) => Ok(Value::Known(node.clone())),
            (Some(Parameter::OnlyDeployed(what)), _) => Ok(Value::OnlyDeployed(what.clone())),
            (Some(Parameter::Missing), _) => bail!("the parameter {name} has no default: give it a value"),
            (None, "AWS::NoValue") => Ok(Value::Absent),
            (None, "AWS::Region") => known("us-east-1"),
            (None, "AWS::AccountId") => known("123456789012"),
            (None, "AWS::Partition") => known("aws"),
            (None, "AWS::URLSuffix") => known("amazonaws.com"),
            (None, "AWS::StackName") => known("local"),
            (None, "AWS::StackId" | "AWS::NotificationARNs") => Ok(Value::OnlyDeployed(name.to_owned())),
            (None, _) if self.has_resource(name) => Ok(Value::OnlyDeployed(name.to_owned())),
            (None, _) => bail!("{name} is neither a parameter nor a resource"),
        }
    }

    fn attribute(&self, path: &str) -> Result<Value> {
        let (resource, _attribute) = path.split_once('.').with_context(|| format!("`{path}` names no attribute"))?;
        match self.has_resource(resource) {
            true => Ok(Value::OnlyDeployed(path.to_owned())),
            false => bail!("there is no resource {resource}"),
        }
    }

    /// A text, which may be made by functions.
    fn text(&self, node: &Node) -> Result<Variable> {
        self.text_or_absent(node)?.context("nothing where a text is expected")
    }

    fn text_or_absent(&self, node: &Node) -> Result<Option<Variable>> {
        match self.resolve(node)? {
            Value::Known(Node::Text(text)) => Ok(Some(Variable::Known(text))),
            Value::OnlyDeployed(what) => Ok(Some(Variable::OnlyDeployed(what))),
            Value::Known(_) => bail!("a list or a map where a text is expected"),
            Value::Absent => Ok(None),
        }
    }
}

impl From<Variable> for Value {
    fn from(variable: Variable) -> Self {
        match variable {
            Variable::Known(text) => known_text(text),
            Variable::OnlyDeployed(what) => Self::OnlyDeployed(what),
        }
    }
}

/// A text, unless a deployment would put a secret or a stored parameter into it.
fn known_text(text: String) -> Value {
    let reference = text.find("{{resolve:").and_then(|start| {
        let end = text[start..].find("}}")? + start + "}}".len();
        Some(text[start..end].to_owned())
    });
    reference.map_or(Value::Known(Node::Text(text)), Value::OnlyDeployed)
}

/// `[Resource, Attribute]` or `Resource.Attribute`.
fn attribute_path(argument: &Node) -> Result<String> {
    match argument {
        Node::List(parts) => Ok(parts.iter().map(literal).collect::<Result<Vec<_>>>()?.join(".")),
        text => literal(text).map(str::to_owned),
    }
}

fn arguments<const COUNT: usize>(argument: &Node) -> Result<&[Node; COUNT]> {
    let Node::List(arguments) = argument else { bail!("no list of arguments") };
    arguments.as_slice().try_into().ok().with_context(|| format!("{} arguments, not {COUNT}", arguments.len()))
}

fn literal(node: &Node) -> Result<&str> {
    match node {
        Node::Text(text) => Ok(text),
        _ => bail!("no plain text where one is expected"),
    }
}
