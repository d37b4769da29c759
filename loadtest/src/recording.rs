//! A record in the making: what the load, the viewers and the faults of one run send is written, the outbox and Redis are
//! watched, and in the end everything that stands in the stores is added.

mod collect;
mod pulse;
mod sampler;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use local::System;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub(crate) use self::collect::until_drained;
use self::pulse::Pulse;
use self::sampler::Sampler;
use crate::clock::Clock;
use crate::machine;
use crate::record::{FaultRecord, Folder, Request, Run, Sight, Writer};
use crate::viewers::Goal;

/// After the last repair: for the viewers to have seen everything.
const VIEWERS_DEADLINE: Duration = Duration::from_secs(30);

pub struct Recording {
    folder: Folder,
    clock: Clock,
    requests: Writer<Request>,
    frames: Writer<Sight>,
    faults: Writer<FaultRecord>,
    sampler: Sampler,
    pulse: Pulse,
}

/// What only those know who have run it.
pub struct Facts {
    pub seed: u64,
    pub command: String,
    /// Microseconds.
    pub load_us: u64,
    pub unsent: u64,
    pub items: u32,
    pub viewers: u32,
    /// How long the outbox may take to be empty.
    pub drain_deadline: Duration,
}

/// Those who watch, and what tells them how far.
pub struct Audience {
    pub viewers: JoinSet<()>,
    pub goal: watch::Sender<Goal>,
}

impl Recording {
    pub fn start(folder: Folder, system: &System, clock: Clock) -> Result<Self> {
        let requests = Writer::create(folder.file("requests.jsonl"))?;
        let frames = Writer::create(folder.file("frames.jsonl"))?;
        let faults = Writer::create(folder.file("faults.jsonl"))?;
        let sampler = Sampler::start(system.worker_url(), clock, folder.file("samples.jsonl"))?;
        let pulse = Pulse::start(&system.redis_url(), clock, faults.sender())?;
        Ok(Self { folder, clock, requests, frames, faults, sampler, pulse })
    }

    pub fn clock(&self) -> Clock {
        self.clock
    }

    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    pub fn requests(&self) -> mpsc::Sender<Request> {
        self.requests.sender()
    }

    pub fn frames(&self) -> mpsc::Sender<Sight> {
        self.frames.sender()
    }

    pub fn faults(&self) -> mpsc::Sender<FaultRecord> {
        self.faults.sender()
    }

    /// When there is no load any more and everything is repaired: the drain, and then all that stands. Returns when
    /// nobody holds a sender.
    pub async fn finish(self, system: &System, audience: Option<Audience>, facts: Facts) -> Result<()> {
        self.pulse.stop().await?;
        self.faults.close().await?;
        let requests = self.requests.close().await?;
        let repaired = self.clock.now();
        let drained = until_drained(system, facts.drain_deadline).await;
        let drain_us = drained.then(|| self.clock.now() - repaired);
        if let Some(Audience { mut viewers, goal }) = audience {
            goal.send_replace(Some(Arc::new(collect::last_seqs(system, facts.items).await?)));
            let all_seen = async { while viewers.join_next().await.is_some() {} };
            // Who has not seen all by then is found by the checker.
            let _ = tokio::time::timeout(VIEWERS_DEADLINE, all_seen).await;
            viewers.shutdown().await;
        }
        let sights = self.frames.close().await?;
        let reconciled = self.sampler.stop().await?;
        let Facts { seed, command, load_us, unsent, items, viewers, .. } = facts;
        let run = Run {
            seed,
            command,
            revision: machine::revision(),
            machine: machine::description(),
            started_at: self.clock.started_at(),
            load_us,
            drain_us,
            reconciled,
            unsent,
            items,
            viewers,
            requests,
            sights,
        };
        fs::write(self.folder.file("run.json"), serde_json::to_vec_pretty(&run)?)?;
        collect::all(system, items, &self.folder).await.context("the final state")
    }
}
