//! The template as a tree in which `!GetAtt A.B` and `Fn::GetAtt: A.B` are the same.

use anyhow::{Context, Result, bail, ensure};
use saphyr::{LoadableYamlNode, Scalar, Tag, Yaml};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    /// Numbers and booleans as well: whoever reads one knows what it should be.
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Node {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let documents = Yaml::load_from_str(text).context("this is no YAML")?;
        let [document] = documents.as_slice() else { bail!("{} YAML documents instead of one", documents.len()) };
        Self::from_yaml(document)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// A function with its argument. `Condition` is one in conditions only; elsewhere it is a name like any other.
    pub(super) fn function(&self) -> Option<(&str, &Self)> {
        let Self::Map(entries) = self else { return None };
        let [(name, argument)] = entries.as_slice() else { return None };
        (name == "Ref" || name.starts_with("Fn::")).then_some((name, argument))
    }

    /// This over the defaults of `Globals`: maps are merged, lists are joined, of anything else the own value counts.
    pub(super) fn over(&self, globals: &Self) -> Self {
        match (self, globals) {
            (own, globals) if own.function().is_some() || globals.function().is_some() => own.clone(),
            (Self::Map(own), Self::Map(shared)) => {
                let mut merged = shared.clone();
                for (name, node) in own {
                    match merged.iter_mut().find(|(other, _)| other == name) {
                        Some((_, other)) => *other = node.over(other),
                        None => merged.push((name.clone(), node.clone())),
                    }
                }
                Self::Map(merged)
            }
            (Self::List(own), Self::List(shared)) => Self::List([shared.as_slice(), own].concat()),
            (own, _) => own.clone(),
        }
    }

    fn from_yaml(yaml: &Yaml<'_>) -> Result<Self> {
        Ok(match yaml {
            Yaml::Value(scalar) => scalar_text(scalar).map_or(Self::Null, Self::Text),
            Yaml::Sequence(elements) => Self::List(elements.iter().map(Self::from_yaml).collect::<Result<_>>()?),
            Yaml::Mapping(mapping) => {
                let entry = |(name, value): (&Yaml<'_>, &Yaml<'_>)| {
                    let Self::Text(name) = Self::from_yaml(name)? else { bail!("a key that is no text") };
                    let value = Self::from_yaml(value).with_context(|| name.clone())?;
                    Ok((name, value))
                };
                Self::Map(mapping.iter().map(entry).collect::<Result<_>>()?)
            }
            Yaml::Tagged(tag, value) => Self::Map(vec![(function_name(tag)?, Self::from_yaml(value)?)]),
            Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => bail!("a value that cannot be read"),
        })
    }
}

fn function_name(tag: &Tag) -> Result<String> {
    ensure!(tag.handle == "!", "the tag {tag} is not known here");
    Ok(match tag.suffix.as_str() {
        "Ref" | "Condition" => tag.suffix.clone(),
        name => format!("Fn::{name}"),
    })
}

fn scalar_text(scalar: &Scalar<'_>) -> Option<String> {
    match scalar {
        Scalar::Null => None,
        Scalar::Boolean(value) => Some(value.to_string()),
        Scalar::Integer(value) => Some(value.to_string()),
        Scalar::FloatingPoint(value) => Some(value.to_string()),
        Scalar::String(text) => Some(text.clone().into_owned()),
    }
}
