//! What a Redis must know before it may judge again.
//!
//! It may have lost the end of its history: what it wrote last before the machine died, or what was not copied to the
//! replica that took its place. Everything that anybody else was told and that can still be found is brought into
//! PostgreSQL first. Then a new epoch begins there: from now on, what turns up of an earlier one and is not in Redis is
//! lost. Then every item that is behind PostgreSQL is put where PostgreSQL has it, and all others into the new epoch, so
//! that no position is given twice. A verifier that dies leaves Redis closed, and the next one starts again.

mod restoration;

use std::time::Duration;

use anyhow::{Context, Result};
use async_nats::ServerAddr;
use ledger::{ItemCursor, Replacement, Verification};
use time::OffsetDateTime;
use tokio::time::timeout;

use super::{inbound, status::Status, watermark::Watermark};
use crate::{Intake, Reconciler, Transport, archived, epochs, limits, stream};

pub(super) struct Verifier<'a> {
    pub(super) intake: Intake,
    pub(super) transport: Transport,
    pub(super) nats: &'a ServerAddr,
    pub(super) watermark: &'a Watermark,
    pub(super) status: &'a Status,
}

impl Verifier<'_> {
    /// Looks through Redis and opens it.
    pub(super) async fn verify(&self, verification: Verification) -> Result<()> {
        if let Err(error) = self.drain_stream().await {
            // Bids need no NATS. What it brings later, and Redis has lost, is set aside as lost.
            tracing::warn!("Redis is verified without what NATS may still have: {error:#}");
            if self.transport == Transport::Sqs {
                tokio::time::sleep(limits::QUEUE_PATIENCE).await;
            }
        }
        self.drain_outbox().await?;
        let epoch = epochs::begin(self.intake.sink().pool(), verification.latest_epoch().await?).await;
        let epoch = epoch.context("closed until PostgreSQL has begun an epoch")?;
        let restored = self.restore(&verification, epoch).await?;
        self.raise_epochs(&verification, epoch).await?;
        verification.open(epoch).await?;
        self.status.count_restored(restored as u64);
        match restored {
            0 => tracing::info!(epoch, "Redis has what PostgreSQL has: open for bids"),
            _ => tracing::warn!(epoch, "Redis had lost events of {restored} items: restored, open for bids"),
        }
        Ok(())
    }

    /// What the stream has and nobody has acknowledged, whoever it was delivered to. Where a queue archives, nobody
    /// acknowledges; but a message that its function failed on comes again only after a minute, so the stream is asked for
    /// all since PostgreSQL was last known to have everything.
    async fn drain_stream(&self) -> Result<()> {
        let since = match self.transport {
            Transport::JetStream => None,
            Transport::Sqs => Some(self.incomplete_since().await?),
        };
        let opening = async {
            let client = stream::connect(self.nats).await?;
            match since {
                None => stream::unacknowledged(&client).await,
                Some(time) => stream::since(&client, time).await,
            }
        };
        let mut backlog = timeout(limits::DRAIN_PATIENCE, opening).await.context("NATS is away")??;
        while let Some(messages) = timeout(limits::DRAIN_PATIENCE, backlog.next()).await?? {
            let (deliveries, unreadable) = inbound::read_all(&messages);
            let taken = self.intake.take(&deliveries, unreadable).await?;
            self.status.count(&taken);
        }
        Ok(())
    }

    /// None: since the beginning. A worker that has not run for long goes by the last write.
    async fn incomplete_since(&self) -> Result<Option<OffsetDateTime>> {
        if let Some(time) = self.watermark.complete_until() {
            return Ok(Some(time));
        }
        let last = archived::last_written(self.intake.sink().pool()).await?;
        Ok(last.map(|last| last - limits::QUEUE_LATENESS))
    }

    async fn drain_outbox(&self) -> Result<()> {
        let reconciled = Reconciler::new(self.intake.clone()).run(Duration::ZERO).await?;
        self.status.count_drained(&reconciled);
        Ok(())
    }

    /// Puts every item of an earlier epoch where it stands into the new one.
    pub(super) async fn raise_epochs(&self, verification: &Verification, epoch: u64) -> Result<()> {
        let mut cursor = ItemCursor::default();
        while !cursor.is_at_end() {
            let mut replacements = Vec::new();
            for (item, found) in verification.items(&mut cursor).await? {
                let Some(mut state) = found.state.clone() else {
                    tracing::error!(%item, "its state in Redis cannot be read, and PostgreSQL does not know the item");
                    continue;
                };
                if state.position.epoch < epoch {
                    state.position.epoch = epoch;
                    replacements.push(Replacement { item, expected: Some(found), state, log: None });
                }
            }
            // One that has changed meanwhile is in a later epoch already: somebody else has opened this Redis.
            verification.replace(&replacements).await?;
        }
        Ok(())
    }
}
