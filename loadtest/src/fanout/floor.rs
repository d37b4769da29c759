//! The least that fan-out can take: what `loadtest relay-cost` has measured of plain `send()` on all sockets.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::result::Line;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Floor {
    revision: String,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, Deserialize)]
struct Row {
    server: String,
    viewers: u32,
    single: Single,
}

#[derive(Clone, Debug, Deserialize)]
struct Single {
    p99_ms: f64,
}

/// By one thread, as a relay writes.
const SERVER: &str = "floor1";

impl Floor {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is no result of relay-cost", path.display()))
    }

    pub(super) fn p99_line(&self) -> Line {
        let mut points: Vec<(f64, f64)> = Vec::new();
        for row in self.rows.iter().filter(|row| row.server == SERVER) {
            points.push((f64::from(row.viewers), row.single.p99_ms));
        }
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        Line::reference("floor, P99: send() by one thread", points)
    }

    pub(super) fn revision(&self) -> &str {
        &self.revision
    }
}
