//! Viewers in this process, or if it cannot open as many sockets, spread over several.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::part::Order;
use crate::machine::Taken;
use crate::record::Sight;
use crate::viewers::Goal;

/// Files that a process needs beside those of its viewers: this one for bids and for the system that it has started.
const FILES_BESIDE: u64 = 300;
const FILES_OF_PART: u64 = 50;

pub(super) enum Watching {
    Here { viewers: JoinSet<()>, goal: watch::Sender<Goal> },
    Parts(Vec<Part>),
}

pub(super) struct Part {
    child: Child,
    told: ChildStdin,
    /// Ends when all have seen all. None: it has.
    reading: Option<JoinHandle<Result<()>>>,
}

impl Watching {
    /// `files`: how many a process may open. All viewers of a run that watched here count: their connections may still be
    /// closing.
    pub(super) async fn start(order: Order, files: u64, sights: mpsc::Sender<Sight>) -> Result<Self> {
        let Order { first, count, .. } = order;
        if u64::from(first) + u64::from(count) + FILES_BESIDE <= files {
            let (goal, watched) = watch::channel(None);
            return Ok(Self::Here { viewers: order.viewers().await?.watch(&sights, &watched), goal });
        }
        let each = files.saturating_sub(FILES_OF_PART).min(u64::from(count)) as usize;
        ensure!(each > 0, "no process can watch: the hard limit on open files is {files}, raise it (ulimit -Hn)");
        let mut parts = Vec::new();
        for first in (first..first + count).step_by(each) {
            let count = (each as u32).min(order.first + order.count - first);
            parts.push(Part::start(&Order { first, count, ..order.clone() }, sights.clone()).await?);
        }
        Ok(Self::Parts(parts))
    }

    /// Beside this one.
    pub(super) fn processes(&self) -> usize {
        match self {
            Self::Here { .. } => 0,
            Self::Parts(parts) => parts.len(),
        }
    }

    /// The processor time of those beside this one.
    pub(super) fn cpu(&self) -> Duration {
        let Self::Parts(parts) = self else { return Duration::ZERO };
        let taken = parts.iter().filter_map(|part| Taken::by(part.child.id()?));
        Duration::from_millis(taken.map(|taken| taken.cpu_ms).sum())
    }

    /// Until all have seen the item at this place, or the deadline has passed.
    pub(super) async fn see(&mut self, seq: u64, deadline: Duration) -> Result<()> {
        match self {
            Self::Here { viewers, goal } => {
                goal.send_replace(Some(Arc::new(vec![seq])));
                // Who has not seen all by then has missed something.
                let _ = timeout(deadline, async { while viewers.join_next().await.is_some() {} }).await;
            }
            Self::Parts(parts) => {
                for part in &mut *parts {
                    part.told.write_all(format!("{seq}\n").as_bytes()).await.context("a process that watched")?;
                }
                let all = try_join_all(parts.iter_mut().map(Part::until_all_is_seen));
                if let Ok(ended) = timeout(deadline, all).await {
                    ended?;
                }
            }
        }
        Ok(())
    }

    /// Hangs up for all.
    pub(super) async fn stop(self) -> Result<()> {
        match self {
            Self::Here { mut viewers, .. } => viewers.shutdown().await,
            Self::Parts(parts) => {
                for Part { mut child, told, reading } in parts {
                    drop(told);
                    let ended = child.wait().await?;
                    ensure!(ended.success(), "a process that watched ended with {ended}");
                    if let Some(reading) = reading {
                        reading.await??;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Part {
    async fn start(order: &Order, sights: mpsc::Sender<Sight>) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("watch-part").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("a process that watches")?;
        let (told, seen) = (child.stdin.take(), child.stdout.take());
        let (mut told, seen) = told.zip(seen).context("a process without pipes")?;
        told.write_all(format!("{}\n", serde_json::to_string(order)?).as_bytes()).await?;
        Ok(Self { child, told, reading: Some(tokio::spawn(read(seen, sights))) })
    }

    async fn until_all_is_seen(&mut self) -> Result<()> {
        if let Some(reading) = &mut self.reading {
            let ended = reading.await;
            self.reading = None;
            ended??;
        }
        Ok(())
    }
}

async fn read(seen: ChildStdout, sights: mpsc::Sender<Sight>) -> Result<()> {
    let mut lines = BufReader::new(seen).lines();
    while let Some(line) = lines.next_line().await? {
        let Some(sight) = serde_json::from_str::<Option<Sight>>(&line)? else { break };
        let _ = sights.send(sight).await;
    }
    Ok(())
}
