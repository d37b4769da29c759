//! `Events` of a function: what invokes it.

use std::time::Duration;

use anyhow::{Context, Result};
use http::Method;
use serde::de::IgnoredAny;

use super::place::Place;
use super::{QueueSource, Route, RouteMethod, Schedule};

/// What an HTTP API allows, and what it does without a word of the template.
const INTEGRATION_TIMEOUT_MS: std::ops::RangeInclusive<u32> = 50..=30_000;
const DEFAULT_INTEGRATION_TIMEOUT_MS: u32 = 30_000;
/// What one reception brings at most. Of a FIFO queue a batch has no more.
const BATCH_SIZE: std::ops::RangeInclusive<u32> = 1..=10;
/// Lambda's limits, and with how many it begins if it is not told.
const CONCURRENCY: std::ops::RangeInclusive<u32> = 2..=1_000;
const DEFAULT_CONCURRENCY: u32 = 5;

pub(super) enum Source {
    Route(Route),
    Schedule(Schedule),
    Queue(QueueSource),
}

pub(super) fn read(name: &str, event: &Place<'_>) -> Result<Source> {
    let kind = event.required("Type")?;
    match kind.text()? {
        "HttpApi" => route(event).map(Source::Route),
        "Schedule" => schedule(name, &event.required("Properties")?, "Schedule").map(Source::Schedule),
        "ScheduleV2" => schedule(name, &event.required("Properties")?, "ScheduleExpression").map(Source::Schedule),
        "SQS" => queue(&event.required("Properties")?).map(Source::Queue),
        other => {
            let known = "HttpApi, Schedule, ScheduleV2 and SQS are";
            Err(kind.error(format_args!("the event source {other} is not known here; {known}")))
        }
    }
}

/// Without method and path, SAM makes it the default route.
fn route(event: &Place<'_>) -> Result<Route> {
    let properties = event.child("Properties")?;
    let property = |name| properties.as_ref().map_or(Ok(None), |properties| properties.child(name));
    let (method, path) = match (property("Method")?, property("Path")?) {
        (None, None) => (RouteMethod::Any, "$default".to_owned()),
        (Some(method), Some(path)) => (route_method(&method)?, path.text()?.to_owned()),
        (Some(place), None) | (None, Some(place)) => return Err(place.error("Method and Path come together")),
    };
    if let Some(version) = property("PayloadFormatVersion")?
        && version.text()? != "2.0"
    {
        return Err(version.error("only 2.0 is known here"));
    }
    let timeout = property("TimeoutInMillis")?.map(|timeout| timeout.number(INTEGRATION_TIMEOUT_MS)).transpose()?;
    let timeout_ms = timeout.unwrap_or(DEFAULT_INTEGRATION_TIMEOUT_MS);
    Ok(Route { method, path, integration_timeout: Duration::from_millis(timeout_ms.into()) })
}

fn route_method(place: &Place<'_>) -> Result<RouteMethod> {
    let name = place.text()?.to_ascii_uppercase();
    match name.as_str() {
        "ANY" | "X-AMAZON-APIGATEWAY-ANY-METHOD" => Ok(RouteMethod::Any),
        "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS" => {
            Ok(RouteMethod::Exact(Method::from_bytes(name.as_bytes())?))
        }
        _ => Err(place.error(format_args!("`{name}` is no method of a route"))),
    }
}

fn schedule(name: &str, properties: &Place<'_>, expression: &str) -> Result<Schedule> {
    let expression = properties.required(expression)?;
    let every = rate(expression.text()?).ok_or_else(|| {
        let known = "rate(N minutes), rate(N hours) and rate(N days) are";
        expression.error(format_args!("`{}` is not known here; {known}", expression.text().unwrap_or_default()))
    })?;
    let input = match properties.child("Input")? {
        Some(input) => {
            let text = input.text()?;
            serde_json::from_str::<IgnoredAny>(text).map_err(|error| input.error(format_args!("no JSON: {error}")))?;
            Some(text.to_owned())
        }
        None => None,
    };
    Ok(Schedule { name: name.to_owned(), every, input, enabled: is_enabled(properties)? })
}

fn queue(properties: &Place<'_>) -> Result<QueueSource> {
    let scaling = properties.child("ScalingConfig")?;
    let concurrency = scaling.map(|scaling| scaling.required("MaximumConcurrency")?.number(CONCURRENCY)).transpose()?;
    let batch_size = properties.child("BatchSize")?.map(|size| size.number(BATCH_SIZE)).transpose()?;
    let answers = properties.child("FunctionResponseTypes")?.map(|types| types.texts()).transpose()?;
    Ok(QueueSource {
        queue: properties.required("Queue")?.resource_of("Arn")?,
        batch_size: batch_size.unwrap_or(*BATCH_SIZE.end()),
        concurrency: concurrency.unwrap_or(DEFAULT_CONCURRENCY),
        reports_failures: answers.unwrap_or_default().iter().any(|kind| kind == "ReportBatchItemFailures"),
    })
}

/// The interval of `rate(5 minutes)`.
fn rate(expression: &str) -> Option<Duration> {
    let (count, unit) = expression.trim().strip_prefix("rate(")?.strip_suffix(')')?.trim().split_once(' ')?;
    let seconds = match unit.trim() {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 60 * 60,
        "day" | "days" => 24 * 60 * 60,
        _ => return None,
    };
    let count: u32 = count.parse().ok().filter(|count| *count > 0)?;
    Some(Duration::from_secs(u64::from(count) * seconds))
}

fn is_enabled(properties: &Place<'_>) -> Result<bool> {
    if let Some(enabled) = properties.child("Enabled")? {
        return enabled.flag();
    }
    let Some(state) = properties.child("State")? else { return Ok(true) };
    match state.text()? {
        "ENABLED" => Ok(true),
        "DISABLED" => Ok(false),
        other => Err(state.error(format_args!("`{other}` is neither ENABLED nor DISABLED"))),
    }
    .context("the state of the schedule")
}
