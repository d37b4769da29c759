//! `AWS::Serverless::Function`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;

use super::event::{self, Source};
use super::place::Place;
use super::{Function, Variable};

/// Lambda's own limits.
const MEMORY_MIB: std::ops::RangeInclusive<u32> = 128..=10_240;
const TIMEOUT_SECONDS: std::ops::RangeInclusive<u32> = 1..=900;
const DEFAULT_MEMORY_MIB: u32 = 128;
const DEFAULT_TIMEOUT_SECONDS: u32 = 3;

pub(super) fn read_all(resources: &Place<'_>, globals: Option<&Place<'_>>) -> Result<Vec<Function>> {
    let globals = globals.map(|globals| globals.child("Function")).transpose()?.flatten();
    let functions = of_type(resources, "AWS::Serverless::Function")?;
    functions.iter().map(|(logical_id, resource)| read(logical_id, resource, globals.as_ref())).collect()
}

/// The resources of a type whose condition holds.
pub(super) fn of_type<'t>(resources: &Place<'t>, kind: &str) -> Result<Vec<(String, Place<'t>)>> {
    let mut found = Vec::new();
    for (logical_id, resource) in resources.entries()? {
        if resource.required("Type")?.text()? != kind {
            continue;
        }
        let exists = match resource.child("Condition")? {
            Some(condition) => {
                resource.scope.holds(condition.text()?).map_err(|error| condition.error(format_args!("{error:#}")))?
            }
            None => true,
        };
        if exists {
            found.push((logical_id, resource));
        }
    }
    Ok(found)
}

fn read(logical_id: &str, resource: &Place<'_>, globals: Option<&Place<'_>>) -> Result<Function> {
    let properties = resource.required("Properties")?.over(globals)?;
    let number = |name, allowed| properties.child(name)?.map(|place| place.number(allowed)).transpose();
    let timeout = number("Timeout", TIMEOUT_SECONDS)?.unwrap_or(DEFAULT_TIMEOUT_SECONDS);
    let provisioned = properties.child("ProvisionedConcurrencyConfig")?;
    let provisioned = provisioned.map(|place| place.required("ProvisionedConcurrentExecutions")?.number(1..=u32::MAX));
    let mut function = Function {
        logical_id: logical_id.to_owned(),
        binary: resource.required("Metadata")?.required("BuildProperties")?.required("Binary")?.text()?.to_owned(),
        memory_mib: number("MemorySize", MEMORY_MIB)?.unwrap_or(DEFAULT_MEMORY_MIB),
        timeout: Duration::from_secs(timeout.into()),
        variables: variables(&properties)?,
        routes: Vec::new(),
        schedules: Vec::new(),
        queues: Vec::new(),
        reserved_concurrency: number("ReservedConcurrentExecutions", 0..=u32::MAX)?,
        provisioned_concurrency: provisioned.transpose()?,
    };
    for (name, place) in entries(properties.child("Events")?)? {
        match event::read(&name, &place)? {
            Source::Route(route) => function.routes.push(route),
            Source::Schedule(schedule) => function.schedules.push(schedule),
            Source::Queue(queue) => function.queues.push(queue),
        }
    }
    Ok(function)
}

fn variables(properties: &Place<'_>) -> Result<BTreeMap<String, Variable>> {
    let environment = properties.child("Environment")?;
    let variables = environment.map(|environment| environment.child("Variables")).transpose()?.flatten();
    entries(variables)?.into_iter().map(|(name, place)| Ok((name, place.variable()?))).collect()
}

fn entries(place: Option<Place<'_>>) -> Result<Vec<(String, Place<'_>)>> {
    place.map_or(Ok(Vec::new()), |place| place.entries())
}
