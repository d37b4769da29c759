//! Keeps the logs short of the items that were archived of lately.

use tokio_util::sync::CancellationToken;

use super::touched::Touched;
use crate::{Trimmer, limits};

pub(super) async fn run(trimmer: &Trimmer, touched: &Touched, shutdown: &CancellationToken) {
    let watch = async {
        loop {
            tokio::time::sleep(limits::TRIMMING_INTERVAL).await;
            let items = touched.take();
            for items in items.chunks(limits::TRIMMED_ITEMS_MAX) {
                if let Err(error) = trimmer.trim(items).await {
                    // What is away is told of elsewhere.
                    tracing::debug!(%error, "logs are not trimmed now");
                    touched.note(items.iter());
                }
            }
        }
    };
    shutdown.run_until_cancelled(watch).await;
}
