//! A storm: load, viewers and faults against a system of its own, then the drain, then the checker.

mod arguments;
mod collect;
mod pulse;
mod rage;
mod sampler;
mod wiring;

use std::fs;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use local::Fsync;

pub use self::arguments::Arguments;
use crate::clock::Clock;
use crate::record::Folder;
use crate::storm::Storm;
use crate::timeline;
use crate::verify::{self, Verdict};

/// Runs a storm, and decides what came of it.
pub async fn run(arguments: &Arguments) -> Result<Verdict> {
    ensure!(arguments.seconds > 0 && arguments.rate > 0.0 && arguments.items > 0, "nothing to do");
    let folder = Folder::create_empty(&arguments.out.join(arguments.seed.to_string()))?;
    let lanes = arguments.planned()?;
    let (system, nats, redis) = wiring::start(arguments).await?;
    let system = Arc::new(system);
    let loses_nothing = arguments.fsync == Fsync::Always;
    let storm = Arc::new(Storm { system: Arc::clone(&system), nats, redis, clock: Clock::start(), loses_nothing });
    let run = rage::rage(arguments, &folder, &storm, lanes).await?;
    fs::write(folder.file("run.json"), serde_json::to_vec_pretty(&run)?)?;
    collect::all(&system, arguments.items, &folder).await.context("the final state")?;
    system.stop().await?;
    let verdict = verify::verify(&folder)?;
    timeline::write(&folder, &verdict)?;
    Ok(verdict)
}
