//! What `local lambda` reports of each invocation: `platform.report`, as Lambda has it.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    pub function: String,
    pub cold_start: bool,
    pub sandbox: String,
    /// From when the event came until a sandbox had it: for its start too, if it was cold.
    pub waited_ms: f64,
    pub metrics: Metrics,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    pub duration_ms: f64,
    pub billed_duration_ms: u64,
    #[serde(rename = "memorySizeMB")]
    pub memory_mib: u32,
    pub init_duration_ms: Option<f64>,
}

#[derive(Deserialize)]
struct Line {
    r#type: String,
    record: serde_json::Value,
}

/// In the order of their ends.
pub fn of_function(function: &str, reports: &Path) -> Result<Vec<Invocation>> {
    let text = std::fs::read_to_string(reports).context("no reports")?;
    let mut invocations = Vec::new();
    for line in text.lines() {
        let Line { r#type, record } = serde_json::from_str(line).context("a report")?;
        if r#type == "platform.report" && record["function"] == function {
            invocations.push(serde_json::from_value(record).context("a report")?);
        }
    }
    Ok(invocations)
}
