//! `CorsConfiguration` of `AWS::Serverless::HttpApi`.

use std::time::Duration;

use anyhow::{Result, bail};

use super::Cors;
use super::function::of_type;
use super::place::Place;

/// All HTTP APIs of the template are one here, so they must agree.
pub(super) fn read(resources: &Place<'_>, globals: Option<&Place<'_>>) -> Result<Option<Cors>> {
    let globals = globals.map(|globals| globals.child("HttpApi")).transpose()?.flatten();
    let mut rules = Vec::new();
    let apis = of_type(resources, "AWS::Serverless::HttpApi")?;
    if apis.is_empty() {
        rules.extend(globals.as_ref().map(of_api));
    }
    for (_, api) in apis {
        let properties = api.child("Properties")?;
        rules.push(match properties {
            Some(properties) => of_api(&properties.over(globals.as_ref())?),
            None => globals.as_ref().map_or(Ok(None), of_api),
        });
    }
    let rules: Vec<Cors> = rules.into_iter().filter_map(Result::transpose).collect::<Result<_>>()?;
    match rules.as_slice() {
        [] => Ok(None),
        [first, others @ ..] if others.iter().all(|other| other == first) => Ok(Some(first.clone())),
        _ => bail!("HTTP APIs with different CorsConfiguration; one address serves them all here"),
    }
}

/// A map of rules; or `true` for any origin; or the origins.
fn of_api(api: &Place<'_>) -> Result<Option<Cors>> {
    let Some(rules) = api.child("CorsConfiguration")? else { return Ok(None) };
    if rules.is_list() {
        return Ok(Some(Cors { allow_origins: rules.texts()?, ..Cors::default() }));
    }
    if !rules.is_map() {
        let origin = match rules.text()? {
            "false" => return Ok(None),
            "true" => "*",
            origin => origin,
        };
        return Ok(Some(Cors { allow_origins: vec![origin.to_owned()], ..Cors::default() }));
    }
    let texts = |name| rules.child(name)?.map_or(Ok(Vec::new()), |place| place.texts());
    let max_age = rules.child("MaxAge")?.map(|place| place.number(0..=86_400)).transpose()?;
    Ok(Some(Cors {
        allow_origins: texts("AllowOrigins")?,
        allow_methods: texts("AllowMethods")?,
        allow_headers: texts("AllowHeaders")?,
        expose_headers: texts("ExposeHeaders")?,
        max_age: max_age.map(|seconds| Duration::from_secs(seconds.into())),
        allow_credentials: rules.child("AllowCredentials")?.map_or(Ok(false), |place| place.flag())?,
    }))
}
