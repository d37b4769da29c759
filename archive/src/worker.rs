//! The archival worker: brings what JetStream delivers into PostgreSQL, and opens Redis for bids.

mod acks;
mod archiver;
mod deletions;
mod findings;
mod gatekeeper;
mod http;
mod inbound;
mod metrics;
mod pause;
mod reconciler;
mod status;
mod writer;

use anyhow::{Context, Result};
use ledger::Ledger;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::{status::Status, writer::Writer};
use crate::{Config, Sink, migrations};

/// Runs until `shutdown`, then finishes the batch in hand. Nothing that is away ends it: it waits, and says so.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> Result<()> {
    let ledger = Ledger::new(&config.redis_url).context("REDIS_URL")?;
    let sink = Sink::new(&config.postgres);
    let status = Status::default();
    let work = async {
        let migrate = || migrations::apply(&config.postgres);
        if pause::until_it_works(&status.postgres, &shutdown, migrate).await.is_none() {
            return;
        }
        status.postgres.works();
        // Bids need no NATS, so they open without it.
        let gatekeeper = gatekeeper::run(&ledger, &sink, &status, &shutdown);
        let writer = Writer::new(sink.clone(), ledger.clone(), &status);
        let reconciler = reconciler::run(&ledger, &sink, &status, &shutdown);
        tokio::join!(gatekeeper, reconciler, archiver::run(&config.nats, writer, &status, &shutdown));
    };
    let (served, ()) = tokio::join!(http::serve(listener, &status, &ledger, &shutdown), work);
    served.context("the server of health and metrics")
}
