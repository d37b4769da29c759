//! The archival worker: brings what JetStream delivers into PostgreSQL, keeps the logs short, and opens Redis for bids.
//! Where SQS takes JetStream's place, the function `archive-bids` does the first two, as long as the queue brings them.

mod acks;
mod archiver;
mod deletions;
mod gatekeeper;
mod http;
mod inbound;
mod metrics;
mod pause;
mod reconciler;
mod status;
mod stream_keeper;
mod touched;
mod trimmer;
mod verifier;
mod watermark;
mod writer;

use anyhow::{Context, Result};
use ledger::Ledger;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::{status::Status, touched::Touched, verifier::Verifier, watermark::Watermark, writer::Writer};
use crate::{Config, Intake, Sink, Transport, Trimmer, migrations};

/// Runs until `shutdown`, then finishes the batch in hand. Nothing that is away ends it: it waits, and says so.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> Result<()> {
    let ledger = Ledger::new(&config.redis_url).context("REDIS_URL")?;
    let intake = Intake::new(Sink::new(&config.postgres), ledger.clone());
    let (status, touched, watermark) = (Status::default(), Touched::default(), Watermark::default());
    let work = async {
        let migrate = || migrations::apply(&config.migrations);
        if pause::until_it_works(&status.postgres, &shutdown, migrate).await.is_none() {
            return;
        }
        status.postgres.works();
        // Bids need no NATS, so they open without it.
        let verifier = Verifier {
            intake: intake.clone(),
            transport: config.transport,
            nats: &config.nats,
            watermark: &watermark,
            status: &status,
        };
        let writer = Writer::new(intake.clone(), &status, &touched);
        let trimmer = Trimmer::new(intake.clone(), config.log_kept);
        let archiver = async {
            match config.transport {
                Transport::JetStream => archiver::run(&config.nats, writer, &status, &shutdown).await,
                Transport::Sqs => stream_keeper::run(&config.nats, &watermark, &status, &shutdown).await,
            }
        };
        tokio::join!(
            gatekeeper::run(&verifier, config.reopens_unverified, &status, &shutdown),
            reconciler::run(&intake, &status, &touched, &shutdown),
            trimmer::run(&trimmer, &touched, &shutdown),
            archiver,
        );
    };
    let (served, ()) = tokio::join!(http::serve(listener, &status, &ledger, &shutdown), work);
    served.context("the server of health and metrics")
}
