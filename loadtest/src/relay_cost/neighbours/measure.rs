//! One relay with viewers that are measured, and others beside them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::time::sleep;

use super::crew::{Crew, Manners};
use super::{Arguments, Beside, Memory};
use crate::relay_cost::door;
use crate::relay_cost::install::Peers;
use crate::relay_cost::process::memory;
use crate::relay_cost::readers::Readers;
use crate::relay_cost::round::Stage;
use crate::relay_cost::servers::{Kind, Server};

/// One viewer of ten stalls and one is hostile.
const NEIGHBOURS_OF_TEN: usize = 2;
const READERS: usize = 2;
/// What fills the buffers of who takes nothing, in bursts.
const BURST: u32 = 20;
const BURSTS: u32 = 30;
/// Until a relay has come to rest.
const SETTLING: Duration = Duration::from_secs(1);
/// Messages between two looks at the memory.
const MESSAGES_A_LOOK: u32 = 50;

pub(super) async fn beside(manners: Manners, arguments: &Arguments, peers: &Peers) -> Result<Beside> {
    with_crew(manners, arguments, peers, async |stage, crew| {
        let phase = stage.phase(1, arguments.messages).await?;
        let (closed, attacks) = (stage.closed, crew.attacks().count());
        Ok(Beside { manners, phase, closed, attacks })
    })
    .await
}

pub(super) async fn watch_memory(arguments: &Arguments, peers: &Peers) -> Result<Vec<Memory>> {
    let length = Duration::from_secs(arguments.memory_seconds);
    with_crew(Manners::Bad, arguments, peers, async |stage, _| {
        let (begun_at, mut series) = (Instant::now(), Vec::new());
        while begun_at.elapsed() < length {
            let bytes = memory(&stage.server.pids())?;
            series.push(Memory { second: begun_at.elapsed().as_secs_f64(), kibibytes: bytes / 1024 });
            stage.phase(1, MESSAGES_A_LOOK).await?;
        }
        Ok(series)
    })
    .await
}

/// Starts everything, does it when those who take nothing are full, and stops everything.
async fn with_crew<T>(
    manners: Manners,
    arguments: &Arguments,
    peers: &Peers,
    work: impl AsyncFnOnce(&mut Stage<'_>, &Crew) -> Result<T>,
) -> Result<T> {
    let mut server = Server::start(Kind::Ours, peers).await.context("it does not start")?;
    let done = among(manners, arguments, &mut server, work).await;
    let stopped = server.stop().await.context("it does not stop");
    let done = done?;
    stopped.map(|()| done)
}

async fn among<T>(
    manners: Manners,
    arguments: &Arguments,
    server: &mut Server,
    work: impl AsyncFnOnce(&mut Stage<'_>, &Crew) -> Result<T>,
) -> Result<T> {
    let neighbours = arguments.viewers * NEIGHBOURS_OF_TEN / 10;
    let viewers = arguments.viewers - neighbours;
    let (crew, entered) = tokio::task::block_in_place(|| -> Result<_> {
        Ok((Crew::enter(manners, &server.door, neighbours)?, door::enter(&server.door, viewers)?))
    })?;
    let readers = Readers::start(entered, READERS)?;
    sleep(SETTLING).await;
    let mut stage = Stage { server, readers, viewers, closed: 0 };
    stage.phase(BURST, BURSTS).await.context("filling buffers")?;
    let done = work(&mut stage, &crew).await;
    let (left, stopped) = (crew.leave(), stage.readers.stop());
    let done = done?;
    left.and(stopped).map(|()| done)
}
