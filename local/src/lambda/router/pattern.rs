//! The path of a route: literal segments, `{name}` for one segment, and at the end `{name+}` for all that are left.

use anyhow::{Result, bail, ensure};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// `$default`
    Default,
    /// In the syntax of `matchit`, as the other one.
    Whole(String),
    Greedy(String),
}

impl Pattern {
    pub(super) fn parse(path: &str) -> Result<Self> {
        if path == "$default" {
            return Ok(Self::Default);
        }
        let Some(rest) = path.strip_prefix('/') else { bail!("the path begins with no slash") };
        // API Gateway makes no route of such a path, and says nothing.
        ensure!(rest.is_empty() || !rest.ends_with('/'), "the path ends with a slash");
        let segments: Vec<_> = rest.split('/').collect();
        let (last, before) = segments.split_last().expect("`split` gives one segment at least");
        for segment in before {
            check_segment(segment)?;
        }
        let Some(name) = last.strip_prefix('{').and_then(|last| last.strip_suffix("+}")) else {
            check_segment(last)?;
            return Ok(Self::Whole(path.to_owned()));
        };
        check_name(name)?;
        let start = &path[..path.len() - last.len()];
        Ok(Self::Greedy(format!("{start}{{*{name}}}")))
    }
}

fn check_segment(segment: &str) -> Result<()> {
    match segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')) {
        Some(name) => check_name(name),
        None => {
            ensure!(!segment.contains(['{', '}']), "`{segment}`: a parameter is a whole segment, as in /items/{{id}}");
            Ok(())
        }
    }
}

fn check_name(name: &str) -> Result<()> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "._-:".contains(character);
    ensure!(!name.is_empty() && name.chars().all(allowed), "`{name}` is no name of a path parameter");
    Ok(())
}
