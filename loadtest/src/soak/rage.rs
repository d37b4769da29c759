//! Load, viewers and faults, and the calm after them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::pulse::Pulse;
use super::sampler::Sampler;
use super::{Arguments, collect};
use crate::load;
use crate::machine;
use crate::record::{Folder, Run, Writer};
use crate::storm::{Planned, Storm};
use crate::viewers::Viewers;

/// After the last repair: for the outbox to be empty.
const DRAIN_DEADLINE: Duration = Duration::from_secs(60);
/// And for the viewers to have seen everything.
const VIEWERS_DEADLINE: Duration = Duration::from_secs(30);

/// Load, viewers and faults at once, then the repair of all, then the drain.
pub(super) async fn rage(
    arguments: &Arguments,
    folder: &Folder,
    storm: &Arc<Storm>,
    lanes: Vec<Vec<Planned>>,
) -> Result<Run> {
    let (clock, system) = (storm.clock, &storm.system);
    let requests = Writer::create(folder.file("requests.jsonl"))?;
    let frames = Writer::create(folder.file("frames.jsonl"))?;
    let faults = Writer::create(folder.file("faults.jsonl"))?;
    let sampler = Sampler::start(system.worker_url(), clock, folder.file("samples.jsonl"))?;
    let pulse = Pulse::start(&system.redis_url(), clock, faults.sender())?;
    let (goal, watched) = watch::channel(None);
    let mut viewers = crowd(arguments, storm).watch(&frames.sender(), &watched);

    let mut raging = JoinSet::new();
    for planned in lanes {
        let (storm, faults) = (Arc::clone(storm), faults.sender());
        raging.spawn(async move { storm.run(&planned, &faults).await });
    }
    let load = arguments.load();
    let unsent = load::offer(&load, &system.api_url(), clock, requests.sender()).await?;
    for lane in raging.join_all().await {
        lane?;
    }
    pulse.stop().await?;
    faults.close().await?;
    let requests = requests.close().await?;

    let repaired = clock.now();
    let drained = collect::until_drained(system, DRAIN_DEADLINE).await;
    let drain_us = drained.then(|| clock.now() - repaired);
    goal.send_replace(Some(Arc::new(collect::last_seqs(system, arguments.items).await?)));
    let all_seen = async { while viewers.join_next().await.is_some() {} };
    // Who has not seen all by then is found by the checker.
    let _ = tokio::time::timeout(VIEWERS_DEADLINE, all_seen).await;
    viewers.shutdown().await;
    let sights = frames.close().await?;
    let reconciled = sampler.stop().await?;
    let (revision, machine) = (machine::revision(), machine::description());
    Ok(Run {
        seed: arguments.seed,
        command: arguments.command(),
        revision,
        machine,
        started_at: clock.started_at(),
        load_us: load.lasts,
        drain_us,
        reconciled,
        unsent,
        items: arguments.items,
        viewers: arguments.viewers,
        requests,
        sights,
    })
}

fn crowd(arguments: &Arguments, storm: &Storm) -> Viewers {
    Viewers {
        count: arguments.viewers,
        items: arguments.items,
        seed: arguments.seed,
        restless: !arguments.faults.iter().any(|fault| fault == "none"),
        relay_url: storm.system.relay_url(),
        clock: storm.clock,
    }
}
