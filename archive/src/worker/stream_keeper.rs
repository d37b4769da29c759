//! Looks after the stream where a queue archives: nobody consumes it then, but it is what knows the last minutes when Redis
//! has lost them.

use anyhow::Result;
use async_nats::{Client, ServerAddr};
use tokio_util::sync::CancellationToken;

use super::{pause, status::Status, watermark::Watermark};
use crate::{limits, stream};

pub(super) async fn run(nats: &ServerAddr, watermark: &Watermark, status: &Status, shutdown: &CancellationToken) {
    let connect = || stream::connect(nats);
    let Some(client) = pause::until_it_works(&status.nats, shutdown, connect).await else { return };
    let watch = async {
        loop {
            match check(&client).await {
                Ok(()) => status.nats.works(),
                Err(error) => status.nats.fails(&format!("{error:#}")),
            }
            watermark.note(status.postgres.problem().is_none());
            tokio::time::sleep(limits::STREAM_CHECK_INTERVAL).await;
        }
    };
    shutdown.run_until_cancelled(watch).await;
}

async fn check(client: &Client) -> Result<()> {
    stream::stream(client).await.map(drop)
}
