//! `local lambda`

use anyhow::{Result, bail};
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use super::interrupts::Interrupts;
use crate::lambda;

pub(super) async fn run(only: Vec<String>) -> Result<()> {
    let mut interrupts = Interrupts::new()?;
    let shutdown = CancellationToken::new();
    let served = tokio::task::spawn_blocking({
        let shutdown = shutdown.clone();
        // One thread: what it does for an event takes microseconds, and waking another one would take as long.
        move || Builder::new_current_thread().enable_all().build()?.block_on(lambda::run(&only, shutdown))
    });
    let _end = shutdown.clone().drop_guard();
    tokio::pin!(served);
    tokio::select! {
        served = &mut served => return served?,
        () = interrupts.next() => shutdown.cancel(),
    }
    tokio::select! {
        served = served => served?,
        // The watchdog ends the sandboxes.
        () = interrupts.next() => bail!("interrupted while stopping"),
    }
}
