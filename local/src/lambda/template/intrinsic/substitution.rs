//! `Fn::Sub`: a text with `${Parameter}`, `${Resource.Attribute}` and `${!Literal}` in it.

use anyhow::{Context, Result, bail};

use super::list::join;
use super::{Node, Scope, Value, Variable, arguments, literal};

impl Scope<'_> {
    /// The text, or a list of the text and a map of names of its own.
    pub(super) fn substitute(&self, argument: &Node) -> Result<Variable> {
        let (text, own) = match argument {
            Node::List(_) => {
                let [text, own] = arguments(argument)?;
                (literal(text)?, own)
            }
            text => (literal(text)?, &Node::Null),
        };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, name_on)) = rest.split_once("${") {
            let (name, after) = name_on.split_once('}').with_context(|| format!("`${{{name_on}` has no end"))?;
            parts.push(Variable::Known(before.to_owned()));
            parts.push(self.named(name.trim(), own).with_context(|| format!("`${{{name}}}`"))?);
            rest = after;
        }
        parts.push(Variable::Known(rest.to_owned()));
        Ok(join(parts, ""))
    }

    fn named(&self, name: &str, own: &Node) -> Result<Variable> {
        if let Some(literal) = name.strip_prefix('!') {
            return Ok(Variable::Known(format!("${{{literal}}}")));
        }
        if let Some(node) = own.get(name) {
            return self.text(node);
        }
        let value = if name.contains('.') { self.attribute(name)? } else { self.reference(name)? };
        match value {
            Value::Known(Node::Text(text)) => Ok(Variable::Known(text)),
            Value::OnlyDeployed(what) => Ok(Variable::OnlyDeployed(what)),
            Value::Known(_) | Value::Absent => bail!("no text"),
        }
    }
}
