//! What a measurement leaves behind: a JSON file that says what was run, on what, whether it counts, and what came of it.
//! Pages are made of such files and of nothing else.

mod data;
mod distribution;
mod trial;
mod validity;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::data::{Axis, Band, Better, Chart, Figure, Line, Mark, Scale, Style, Table};
pub use self::distribution::{Distribution, Quantile, samples_for};
pub use self::trial::{Circumstances, Second, Trial};
pub use self::validity::Validity;

/// Grows when older programs could misread a file.
const FORMAT: u32 = 1;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    pub format: u32,
    pub experiment: String,
    /// The question that it answers.
    pub question: String,
    pub revision: String,
    pub machine: String,
    pub command: String,
    /// Microseconds since 1970.
    pub started_at: u64,
    pub seed: u64,
    pub parameters: BTreeMap<String, Value>,
    pub validity: Validity,
    pub check: Check,
    /// What counts, in few numbers: those that two runs are compared by.
    pub figures: Vec<Figure>,
    /// What came of it, in sentences.
    pub findings: Vec<String>,
    pub trials: Vec<Trial>,
    pub tables: Vec<Table>,
    pub charts: Vec<Chart>,
    /// What thresholds are held against.
    pub measured: Measured,
}

/// Of the load that the experiment is about.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Measured {
    /// None: too few answers to tell.
    pub p99_ms: Option<f64>,
    /// Of a hundred requests.
    pub errors_percent: f64,
}

/// What the checker says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Every promise was kept: so many requests were held against so many archived bids.
    Kept { requests: u64, archived: u64 },
    /// So many cases of broken promises; the record stays in this folder.
    Broken { cases: u64, record: String },
    /// Why nobody looked.
    Not(String),
}

impl Report {
    pub fn write(&self, path: &Path) -> Result<()> {
        std::fs::create_dir_all(path.parent().unwrap_or(path))?;
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let report: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} is no result of a measurement", path.display()))?;
        ensure!(report.format == FORMAT, "{} has format {}, not {FORMAT}", path.display(), report.format);
        Ok(report)
    }

    pub fn new(experiment: &str, question: &str, seed: u64) -> Self {
        Self {
            format: FORMAT,
            experiment: experiment.to_owned(),
            question: question.to_owned(),
            revision: crate::machine::revision(),
            machine: crate::machine::description(),
            command: command(),
            started_at: crate::clock::Clock::start().started_at(),
            seed,
            parameters: BTreeMap::new(),
            validity: Validity::default(),
            check: Check::Not("not yet".to_owned()),
            figures: Vec::new(),
            findings: Vec::new(),
            trials: Vec::new(),
            tables: Vec::new(),
            charts: Vec::new(),
            measured: Measured::default(),
        }
    }
}

/// What runs the same again.
fn command() -> String {
    let words = std::env::args().skip(1).map(|word| if word.contains(' ') { format!("'{word}'") } else { word });
    std::iter::once("loadtest".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}
