//! One server before which a crowd stands: at first, and if it is ours, after it was killed and after it was told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::visitor::Visitor;
use super::{Arguments, Came, Occasion};
use crate::bidders::empty;
use crate::relay_cost::door::Door;
use crate::relay_cost::process::{CpuTimes, memory};
use crate::relay_cost::servers::{Kind, Server};

/// Bids that are accepted while the relay is away.
const MISSED: u32 = 20;
/// Until a server has come to rest.
const SETTLING: Duration = Duration::from_secs(1);
/// Between two looks at a server's memory.
const MEMORY_INTERVAL: Duration = Duration::from_millis(50);
/// For a message to reach all who are in, and for all to leave.
const DEADLINE: Duration = Duration::from_secs(30);

pub(super) struct Stage<'a> {
    pub(super) kind: Kind,
    pub(super) server: Server,
    pub(super) arguments: &'a Arguments,
    pub(super) round: u32,
}

impl Stage<'_> {
    pub(super) async fn run(&mut self) -> Result<Vec<Came>> {
        sleep(SETTLING).await;
        // The item exists, so that there is a place to come back to.
        self.publish(1).await?;
        let at_once = vec![Duration::ZERO; self.arguments.viewers];
        let (visitors, first) = self.crowd(Occasion::Opening, 0, at_once.clone()).await?;
        if !self.server.is_ours() {
            return Ok(vec![first]);
        }
        // Where an item stands is the same in every run: one bid, and one that showed that everybody is in.
        self.server.door.path += "?since=2&epoch=1";
        self.server.relay()?.kill().await?;
        drop(visitors);
        self.publish(MISSED).await?;
        self.server.relay()?.start().await?;
        let (visitors, killed) = self.crowd(Occasion::Kill, MISSED, at_once).await?;
        let leaving = join_all(visitors.into_iter().map(|visitor| timeout(DEADLINE, visitor.told_to_leave())));
        let (stopped, hints) = tokio::join!(self.server.relay()?.stop(), leaving);
        stopped?;
        let told = |hint: Result<Result<Option<Duration>>, _>| hint??.context("it was not told when to come back");
        let hints = hints.into_iter().map(told).collect::<Result<_>>()?;
        self.server.relay()?.start().await?;
        // And one more that showed it again.
        let (_, stopped) = self.crowd(Occasion::Stop, MISSED + 1, hints).await?;
        Ok(vec![first, killed, stopped])
    }

    /// All come when they have waited as long as they were told, and then see a message.
    async fn crowd(&mut self, occasion: Occasion, missed: u32, waits: Vec<Duration>) -> Result<(Vec<Visitor>, Came)> {
        let (pids, viewers) = (self.server.pids(), waits.len());
        let (cpu_before, empty_bytes) = (CpuTimes::read(&pids), memory(&pids)?);
        let peak = Peak::watch(pids.clone());
        let (begun_at, door) = (Instant::now(), Arc::new(self.server.door.clone()));
        let mut coming = JoinSet::new();
        for wait in waits {
            let door: Arc<Door> = Arc::clone(&door);
            coming.spawn(async move { Visitor::come(&door, missed, wait).await });
        }
        let visitors = coming.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
        let took = begun_at.elapsed();
        let peak_bytes = peak.end().await?;
        let cpu_us = CpuTimes::read(&pids).nanoseconds_since(&cpu_before) as f64 / 1_000.0;
        let mut latencies = empty()?;
        visitors.iter().for_each(|visitor| latencies.saturating_record(visitor.after.as_micros() as u64));
        let refused = visitors.iter().map(|visitor| visitor.refused).sum();
        let (visitors, lost) = self.seen_by_all(visitors).await?;
        let ms = |quantile| latencies.value_at_quantile(quantile) as f64 / 1_000.0;
        let came = Came {
            server: self.kind,
            round: self.round,
            occasion,
            viewers,
            all_in_ms: took.as_secs_f64() * 1_000.0,
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
            refused,
            cpu_us_per_viewer: cpu_us / viewers as f64,
            peak_kib_per_viewer: peak_bytes.saturating_sub(empty_bytes) as f64 / 1024.0 / viewers as f64,
            lost,
        };
        Ok((visitors, came))
    }

    /// A message is published; returns how many have not got it.
    async fn seen_by_all(&mut self, mut visitors: Vec<Visitor>) -> Result<(Vec<Visitor>, usize)> {
        self.publish(1).await?;
        let seen = visitors.iter_mut().map(|visitor| timeout(DEADLINE, visitor.see(1)));
        let lost = join_all(seen).await.into_iter().filter(|seen| !matches!(seen, Ok(Ok(())))).count();
        Ok((visitors, lost))
    }

    async fn publish(&mut self, messages: u32) -> Result<()> {
        let publisher = &mut self.server.publisher;
        let bytes = publisher.prepare(messages).await.context("preparing a message")?;
        tokio::task::block_in_place(|| publisher.publish(&bytes))?;
        sleep(SETTLING).await;
        publisher.take_answers()
    }
}

/// The most memory that some processes take at once.
struct Peak {
    is_over: Arc<AtomicBool>,
    watching: tokio::task::JoinHandle<Result<u64>>,
}

impl Peak {
    fn watch(pids: Vec<u32>) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (ends, most) = (Arc::clone(&is_over), AtomicU64::new(0));
        let watching = tokio::task::spawn_blocking(move || {
            while !ends.load(Ordering::Relaxed) {
                most.fetch_max(memory(&pids)?, Ordering::Relaxed);
                std::thread::sleep(MEMORY_INTERVAL);
            }
            Ok(most.into_inner().max(memory(&pids)?))
        });
        Self { is_over, watching }
    }

    async fn end(self) -> Result<u64> {
        self.is_over.store(true, Ordering::Relaxed);
        self.watching.await?
    }
}
