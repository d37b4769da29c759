//! From JetStream to the writer, batch by batch.

use std::pin::{Pin, pin};

use anyhow::{Context, Result};
use async_nats::{ServerAddr, jetstream::consumer::pull};
use futures_util::{FutureExt, StreamExt, stream::ReadyChunks};
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{acks::Acks, pause, status::Status, writer::Writer};
use crate::{limits, stream};

pub(super) async fn run(nats: &ServerAddr, mut writer: Writer, status: &Status, shutdown: &CancellationToken) {
    let connect = || stream::connect(nats);
    let Some(client) = pause::until_it_works(&status.nats, shutdown, connect).await else { return };
    loop {
        // After a failure everything is looked at again: NATS may have lost the stream and the consumer.
        let start = || stream::messages(&client);
        let Some(messages) = pause::until_it_works(&status.nats, shutdown, start).await else { break };
        status.nats.works();
        match consume(messages, &mut writer, shutdown).await {
            Ok(()) => break,
            Err(error) => status.nats.fails(&error),
        }
        shutdown.run_until_cancelled(tokio::time::sleep(limits::STREAM_RESTART_PAUSE)).await;
    }
    // The last acks are still in the client's buffer.
    let _ = tokio::time::timeout(limits::ACK_DEADLINE, client.flush()).await;
}

/// Until shutdown, or until the delivery fails.
async fn consume(messages: pull::Stream, writer: &mut Writer, shutdown: &CancellationToken) -> Result<()> {
    let mut batches = pin!(messages.ready_chunks(limits::BATCH_LENGTH_MAX));
    let mut next = Instant::now();
    loop {
        sleep_until(next).await;
        // Natural batches: whatever has come since the last one.
        let delivered = tokio::select! {
            biased;
            () = shutdown.cancelled() => {
                give_back(batches).await;
                return Ok(());
            }
            // Unconstrained: tokio would otherwise cut a batch at 128 messages, its budget for one turn.
            delivered = unconstrained(batches.next()) => delivered.context("JetStream ended the delivery")?,
            () = writer.delete_later() => continue,
        };
        if delivered.len() < limits::BATCH_LENGTH_MAX {
            next = Instant::now() + limits::BATCH_INTERVAL;
        }
        let (messages, errors): (Vec<_>, Vec<_>) = delivered.into_iter().partition(Result::is_ok);
        writer.write(messages.into_iter().flatten().collect(), shutdown).await;
        if let Some(Err(error)) = errors.into_iter().next() {
            return Err(error.into());
        }
    }
}

/// What was fetched and not stored would otherwise come again only when JetStream has waited for its ack in vain.
async fn give_back(mut batches: Pin<&mut ReadyChunks<pull::Stream>>) {
    let mut returned = 0;
    while returned < limits::PULL_LENGTH
        && let Some(Some(delivered)) = unconstrained(batches.next()).now_or_never()
    {
        returned += delivered.len();
        Acks { given_back: delivered.into_iter().flatten().collect(), ..Acks::default() }.send().await;
    }
}
