//! `Fn::Join`, `Fn::Split` and `Fn::Select`.

use anyhow::{Context, Result, bail};

use super::{Node, Scope, Value, Variable, arguments, literal};

impl Scope<'_> {
    pub(super) fn join(&self, argument: &Node) -> Result<Variable> {
        let [delimiter, list] = arguments(argument)?;
        Ok(join(self.texts(list)?, literal(delimiter)?))
    }

    pub(super) fn split(&self, argument: &Node) -> Result<Value> {
        let [delimiter, text] = arguments(argument)?;
        let text = match self.text(text)? {
            Variable::Known(text) => text,
            Variable::OnlyDeployed(what) => return Ok(Value::OnlyDeployed(what)),
        };
        let parts = text.split(literal(delimiter)?).map(|part| Node::Text(part.to_owned()));
        Ok(Value::Known(Node::List(parts.collect())))
    }

    pub(super) fn select(&self, argument: &Node) -> Result<Value> {
        let [index, list] = arguments(argument)?;
        if let Value::OnlyDeployed(what) = self.resolve(list)? {
            return Ok(Value::OnlyDeployed(what));
        }
        let Variable::Known(index) = self.text(index)? else { bail!("an index that only a deployment knows") };
        let texts = self.texts(list)?;
        let text = index.parse().ok().and_then(|index: usize| texts.into_iter().nth(index));
        text.map(Value::from).with_context(|| format!("the list has no element {index}"))
    }

    /// A list of texts. One that only a deployment knows counts as one text.
    fn texts(&self, node: &Node) -> Result<Vec<Variable>> {
        match self.resolve(node)? {
            Value::Known(Node::List(elements)) => {
                elements.iter().filter_map(|element| self.text_or_absent(element).transpose()).collect()
            }
            Value::OnlyDeployed(what) => Ok(vec![Variable::OnlyDeployed(what)]),
            Value::Known(_) | Value::Absent => bail!("no list where one is expected"),
        }
    }
}

/// Only a deployment knows the whole when it alone knows a part.
pub(super) fn join(texts: Vec<Variable>, delimiter: &str) -> Variable {
    let mut known = Vec::new();
    for text in texts {
        match text {
            Variable::Known(text) => known.push(text),
            only_deployed @ Variable::OnlyDeployed(_) => return only_deployed,
        }
    }
    Variable::Known(known.join(delimiter))
}
