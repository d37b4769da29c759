//! Conditions: whether a resource, or one side of `Fn::If`, is there.

use anyhow::{Context, Result, bail, ensure};

use super::{Node, Scope, Variable, arguments, literal};

impl Scope<'_> {
    /// The condition of this name.
    pub(in super::super) fn holds(&self, name: &str) -> Result<bool> {
        self.holds_within(name, self.condition_count())
    }

    /// A chain of references that is longer than there are conditions is a circle.
    fn holds_within(&self, name: &str, steps: usize) -> Result<bool> {
        let condition = self.condition(name)?;
        ensure!(steps > 0, "the condition {name} refers to itself");
        self.evaluate(condition, steps - 1).with_context(|| format!("Conditions.{name}"))
    }

    fn evaluate(&self, node: &Node, steps: usize) -> Result<bool> {
        if let Some(name) = node.get("Condition") {
            return self.holds_within(literal(name)?, steps);
        }
        let Some((function, argument)) = node.function() else { bail!("no function of conditions") };
        match (function, argument) {
            ("Fn::Equals", _) => {
                let [one, other] = arguments(argument)?;
                Ok(self.comparable(one)? == self.comparable(other)?)
            }
            ("Fn::Not", _) => {
                let [negated] = arguments(argument)?;
                Ok(!self.evaluate(negated, steps)?)
            }
            ("Fn::And", Node::List(parts)) => self.evaluate_all(parts, steps).map(|holds| !holds.contains(&false)),
            ("Fn::Or", Node::List(parts)) => self.evaluate_all(parts, steps).map(|holds| holds.contains(&true)),
            _ => bail!("the function {function} is not known in conditions"),
        }
    }

    fn evaluate_all(&self, parts: &[Node], steps: usize) -> Result<Vec<bool>> {
        parts.iter().map(|part| self.evaluate(part, steps)).collect()
    }

    fn comparable(&self, node: &Node) -> Result<String> {
        match self.text(node)? {
            Variable::Known(text) => Ok(text),
            Variable::OnlyDeployed(what) => bail!("{what} is known only when deployed"),
        }
    }
}
