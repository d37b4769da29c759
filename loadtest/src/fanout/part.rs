//! A process that watches for some of the viewers: told by its standard input who they are, and up to where; what they see
//! is a line each of its standard output, and when all have seen all, `null`.

use std::io::{BufWriter, Write};
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::http::Target;
use crate::load::Items;
use crate::record::Sight;
use crate::viewers::{Goal, Viewers};

const QUEUE: usize = 65_536;
const BATCH_MAX: usize = 1_024;

/// The first line of what a process is told. The second is the goal: the seq of the item.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) first: u32,
    pub(super) count: u32,
    pub(super) items: Items,
    pub(super) seed: u64,
    pub(super) relay_url: String,
    pub(super) clock: Clock,
}

impl Order {
    pub(super) async fn viewers(&self) -> Result<Viewers> {
        let Self { first, count, items, seed, relay_url, clock } = self.clone();
        let relay = Target::resolve(&relay_url).await?.from_number(first);
        Ok(Viewers { first, count, items, seed, restless: false, relay, clock })
    }
}

/// The process itself. It ends when its standard input does.
pub async fn run() -> Result<()> {
    let mut told = lines();
    let order: Order = serde_json::from_str(&told.recv().await.context("no order")?)?;
    let (sights, seen) = mpsc::channel(QUEUE);
    let writing = tokio::task::spawn_blocking(move || write(seen));
    let (goal, watched) = watch::channel(None);
    let mut watching = order.viewers().await?.watch(&sights, &watched);
    tokio::select! {
        () = async { while watching.join_next().await.is_some() {} } => {}
        ended = pass_on(&mut told, &goal) => ended?,
    }
    watching.shutdown().await;
    drop(sights);
    writing.await?.context("whoever asked has gone")?;
    while told.recv().await.is_some() {}
    Ok(())
}

/// Of the standard input, until it ends.
fn lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut read = std::io::stdin().lines().map_while(std::io::Result::ok);
        while read.next().is_some_and(|line| sender.blocking_send(line).is_ok()) {}
    });
    lines
}

async fn pass_on(told: &mut mpsc::Receiver<String>, goal: &watch::Sender<Goal>) -> Result<()> {
    while let Some(line) = told.recv().await {
        goal.send_replace(Some(Arc::new(vec![serde_json::from_str(&line)?])));
    }
    Ok(())
}

fn write(mut seen: mpsc::Receiver<Sight>) -> Result<()> {
    let mut lines = BufWriter::new(std::io::stdout().lock());
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while seen.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
        for sight in batch.drain(..) {
            serde_json::to_writer(&mut lines, &sight)?;
            lines.write_all(b"\n")?;
        }
        lines.flush()?;
    }
    lines.write_all(b"null\n")?;
    Ok(lines.flush()?)
}
