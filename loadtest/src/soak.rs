//! A storm: load, viewers and faults against a system of its own, then the drain, then the checker.

mod arguments;
mod rage;
mod wiring;

use std::sync::Arc;

use anyhow::{Result, ensure};
use local::Fsync;

pub use self::arguments::Arguments;
pub(crate) use self::rage::Rage;
pub(crate) use self::wiring::wire;
use crate::clock::Clock;
use crate::record::Folder;
use crate::recording::Recording;
use crate::storm::Storm;
use crate::timeline;
use crate::verify::{self, Verdict};

/// Runs a storm, and decides what came of it.
pub async fn run(arguments: &Arguments) -> Result<Verdict> {
    ensure!(arguments.seconds > 0 && arguments.rate > 0.0 && arguments.items > 0, "nothing to do");
    let folder = Folder::create_empty(&arguments.out.join(arguments.seed.to_string()))?;
    let rage = Rage {
        command: arguments.command(),
        load: arguments.load(),
        viewers: arguments.viewers,
        restless: !arguments.faults.iter().any(|fault| fault == "none"),
        lanes: arguments.planned()?,
    };
    let (system, nats, redis) = wiring::start(arguments).await?;
    let (system, clock) = (Arc::new(system), Clock::start());
    let loses_nothing = arguments.fsync == Fsync::Always;
    let storm = Arc::new(Storm { system: Arc::clone(&system), nats, redis, clock, loses_nothing });
    rage.run(Recording::start(folder.clone(), &system, clock)?, &storm).await?;
    system.stop().await?;
    let verdict = verify::verify(&folder)?;
    timeline::write(&folder, &verdict)?;
    Ok(verdict)
}
