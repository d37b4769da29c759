//! A bare loop around the script: what Redis and its client can do at most with as many users. It has a Redis of its own, so
//! that neither the checker nor those who archive meet its bids.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use ledger::Ledger;
use local::{Name, Role, Settings, System};

use crate::bid_loop::{Answers, BidLoop, Bids, Way, without_archive};
use crate::machine::Programs;

pub(super) struct Bare {
    system: System,
    ledger: Ledger,
    lasts: Duration,
}

impl Bare {
    pub(super) async fn start(seconds: f64) -> Result<Self> {
        // Who opens Redis for bids wants to look into the others.
        let settings = Settings::temporary(&[Name::Redis, Name::Nats, Name::Postgres, Name::ArchivalWorker])?;
        let system = without_archive(settings).await?;
        system.server("bidding-nats").stop().await?;
        let ledger = Ledger::new(&system.server("bidding-redis").url_of(Role::Functions))?;
        Ok(Self { system, ledger, lasts: Duration::from_secs_f64(seconds) })
    }

    /// By as many users as bid through the system, and by the same rule.
    pub(super) async fn turn(&self, users: u32) -> Result<Turn> {
        let bidding = BidLoop::new(Way::Script(self.ledger.clone()), Bids::Racing, &format!("bare{users}"))?;
        let before = Programs::now();
        let Answers { latencies, accepted } = bidding.with_keys().run(users, self.lasts).await?;
        let programs_us = Programs::now().since(&before).us_each(latencies.len());
        let answered_per_s = latencies.len() as f64 / self.lasts.as_secs_f64();
        eprintln!("the same by a bare loop around the script: {answered_per_s:.0} bids/s");
        Ok(Turn { answered_per_s, accepted_per_s: accepted as f64 / self.lasts.as_secs_f64(), programs_us })
    }

    pub(super) async fn stop(self) -> Result<()> {
        self.system.stop().await
    }
}

pub(super) struct Turn {
    pub(super) answered_per_s: f64,
    pub(super) accepted_per_s: f64,
    /// Processor time of an answer, by program.
    pub(super) programs_us: BTreeMap<String, f64>,
}
