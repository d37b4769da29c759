//! The outbox, looked at every second.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::record::{Sample, Writer};

const PERIOD: Duration = Duration::from_secs(1);

pub(super) struct Sampler {
    stop: CancellationToken,
    samples: Writer<Sample>,
    /// How many events the reconciler has brought, as far as was seen: a worker that dies forgets its counters.
    task: JoinHandle<Option<u64>>,
}

impl Sampler {
    pub(super) fn start(worker_url: String, clock: Clock, file: PathBuf) -> Result<Self> {
        let (stop, samples) = (CancellationToken::new(), Writer::create(file)?);
        let client = reqwest::Client::builder().timeout(PERIOD).build()?;
        let (token, sender) = (stop.clone(), samples.sender());
        let task = tokio::spawn(async move {
            let mut ticks = interval(PERIOD);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let (mut before, mut last) = (0, None);
            loop {
                let stopped = token.run_until_cancelled(ticks.tick()).await.is_none();
                let metrics = metrics(&client, &worker_url).await;
                let now = metric(&metrics, "archival_worker_reconciled_total");
                if now.is_some() {
                    before += last.filter(|last| now < Some(*last)).unwrap_or_default();
                    last = now;
                }
                let sample = Sample {
                    at: clock.now(),
                    outbox: metric(&metrics, "archival_worker_outbox_length"),
                    outbox_age_s: metric(&metrics, "archival_worker_outbox_age_seconds"),
                };
                let _ = sender.send(sample).await;
                if stopped {
                    return last.map(|last| before + last);
                }
            }
        });
        Ok(Self { stop, samples, task })
    }

    pub(super) async fn stop(self) -> Result<Option<u64>> {
        self.stop.cancel();
        let reconciled = self.task.await?;
        self.samples.close().await?;
        Ok(reconciled)
    }
}

/// Nothing if nobody answers.
pub(super) async fn metrics(client: &reqwest::Client, worker_url: &str) -> String {
    match client.get(format!("{worker_url}/metrics")).send().await {
        Ok(answer) => answer.text().await.unwrap_or_default(),
        Err(_) => String::new(),
    }
}

pub(super) fn metric(metrics: &str, name: &str) -> Option<u64> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}
