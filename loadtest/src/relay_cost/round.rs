//! One server in one round: started, filled with viewers, published to, stopped.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use super::delivery::Delivery;
use super::door;
use super::install::Peers;
use super::process::{CpuTimes, memory};
use super::readers::Readers;
use super::record::{Parameters, Phase, Round};
use super::servers::{Kind, Server};
use crate::bidders::empty;

/// Until a server that was started, or has got its viewers, has come to rest.
const SETTLING: Duration = Duration::from_secs(1);
/// Between two publications.
const PAUSE: Duration = Duration::from_millis(10);
/// What has not come by then is lost.
const DEADLINE: Duration = Duration::from_secs(10);
/// What comes late should not be taken for the next message.
const AFTER_LOSS: Duration = Duration::from_secs(2);
/// Publications before those that count.
const WARM_UPS: u32 = 3;
/// Repetitions of publications that came too early.
const REPEATED_MAX: u32 = 20;

pub(super) async fn run(
    kind: Kind,
    viewers: usize,
    round: u32,
    parameters: &Parameters,
    peers: &Peers,
) -> Result<Round> {
    let mut server = Server::start(kind, peers).await.context("it does not start")?;
    let measured = measure(&mut server, kind, viewers, round, parameters).await;
    let stopped = server.stop().await.context("it does not stop");
    let round = measured?;
    stopped.map(|()| round)
}

async fn measure(
    server: &mut Server,
    kind: Kind,
    viewers: usize,
    round: u32,
    parameters: &Parameters,
) -> Result<Round> {
    sleep(SETTLING).await;
    let empty_bytes = memory(&server.pids())?;
    let entered = tokio::task::block_in_place(|| door::enter(&server.door, viewers)).context("viewers come in")?;
    let readers = Readers::start(entered, parameters.readers)?;
    sleep(SETTLING).await;
    let filled_bytes = memory(&server.pids())?;
    let mut stage = Stage { server, readers, viewers, closed: 0 };
    stage.warm_up(parameters).await.context("warm-up")?;
    let single = stage.phase(1, parameters.messages).await.context("single messages")?;
    let burst = stage.phase(parameters.burst, parameters.bursts).await.context("bursts")?;
    let Stage { server, readers, closed, .. } = stage;
    readers.stop()?;
    let idle_viewer_bytes = (filled_bytes as f64 - empty_bytes as f64) / viewers as f64;
    let message_bytes = server.message_bytes;
    Ok(Round { server: kind, viewers, round, message_bytes, idle_viewer_bytes, single, burst, closed })
}

pub(super) struct Stage<'a> {
    pub(super) server: &'a mut Server,
    pub(super) readers: Readers,
    pub(super) viewers: usize,
    /// Viewers that the server closed.
    pub(super) closed: usize,
}

impl Stage<'_> {
    /// Also shows that every viewer is one.
    async fn warm_up(&mut self, parameters: &Parameters) -> Result<()> {
        for messages in [1, parameters.burst].repeat(WARM_UPS as usize) {
            let delivery = self.publish(messages).await?;
            let expected = self.viewers as u64 * u64::from(messages);
            ensure!(delivery.received > 0, "no viewer got anything");
            if delivery.received < expected {
                eprintln!("  warm-up: {} of {expected} messages came", delivery.received);
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    pub(super) async fn phase(&mut self, messages: u32, publications: u32) -> Result<Phase> {
        let before = [self.server.pids(), self.server.messenger_pids()].map(|pids| CpuTimes::read(&pids));
        let (mut latencies, mut last_us) = (empty()?, Vec::new());
        let [mut received, mut received_at_all, mut bytes, mut unexpected] = [0; 4];
        let mut repeated = 0;
        while last_us.len() < publications as usize {
            let delivery = self.publish(messages).await?;
            received_at_all += delivery.received;
            bytes += delivery.bytes;
            unexpected += delivery.unexpected;
            if delivery.is_early {
                repeated += 1;
                ensure!(repeated <= REPEATED_MAX, "messages come before they are published");
            } else {
                received += delivery.received;
                last_us.push(delivery.last_us.unwrap_or(DEADLINE.as_micros() as u64));
                latencies.add(delivery.latencies)?;
            }
            sleep(PAUSE).await;
        }
        let after = [self.server.pids(), self.server.messenger_pids()].map(|pids| CpuTimes::read(&pids));
        let cpu = |which: usize| {
            after[which].nanoseconds_since(&before[which]) as f64 / 1_000.0 / received_at_all.max(1) as f64
        };
        Ok(Phase {
            last_us,
            p50_us: latencies.value_at_quantile(0.5),
            p99_us: latencies.value_at_quantile(0.99),
            cpu_us_per_delivery: cpu(0),
            messenger_cpu_us_per_delivery: cpu(1),
            bytes_per_delivery: bytes as f64 / received_at_all.max(1) as f64,
            expected: self.viewers as u64 * u64::from(messages) * u64::from(publications),
            received,
            unexpected,
            repeated,
        })
    }

    /// The clock starts when everything is ready, just before the message is handed over.
    async fn publish(&mut self, messages: u32) -> Result<Delivery> {
        let publisher = &mut self.server.publisher;
        self.readers.expect(messages)?;
        let bytes = publisher.prepare(messages).await.context("preparing a message")?;
        let published_at = Instant::now();
        let tallies = tokio::task::block_in_place(|| {
            publisher.publish(&bytes)?;
            self.readers.tallies(DEADLINE)
        })?;
        publisher.take_answers()?;
        self.closed = tallies.iter().map(|tally| tally.closed).sum();
        let delivery = Delivery::of(published_at, &tallies)?;
        if delivery.received < self.viewers as u64 * u64::from(messages) {
            sleep(AFTER_LOSS).await;
        }
        Ok(delivery)
    }
}
