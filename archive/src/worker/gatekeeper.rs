//! Keeps Redis open for bids: after a restart or a promotion it is closed until somebody has looked through it.

use anyhow::{Context, Result};
use ledger::Verification;
use tokio_util::sync::CancellationToken;

use super::{status::Status, verifier::Verifier};
use crate::limits;

pub(super) async fn run(
    verifier: &Verifier<'_>,
    reopens_unverified: bool,
    status: &Status,
    shutdown: &CancellationToken,
) {
    let watch = async {
        loop {
            match keep_open(verifier, reopens_unverified).await {
                Ok(()) => status.bids.works(),
                Err(error) => status.bids.fails(&format!("{error:#}")),
            }
            tokio::time::sleep(limits::GATE_CHECK_INTERVAL).await;
        }
    };
    shutdown.run_until_cancelled(watch).await;
}

async fn keep_open(verifier: &Verifier<'_>, reopens_unverified: bool) -> Result<()> {
    let ledger = verifier.intake.ledger();
    if ledger.is_verified().await? {
        return Ok(());
    }
    let verification = ledger.verify().await?;
    match verifier.intake.sink().check().await {
        Ok(()) => verifier.verify(verification).await,
        Err(error) if reopens_unverified => {
            tracing::error!("PostgreSQL is away ({error}): Redis is opened as it is, because of REOPEN_UNVERIFIED");
            reopen_unverified(verifier, verification).await
        }
        Err(error) => Err(error).context("closed until PostgreSQL can be asked what Redis must know"),
    }
}

/// PostgreSQL does not tell which epochs there were. The seconds since 1970 are above all that it has counted.
async fn reopen_unverified(verifier: &Verifier<'_>, verification: Verification) -> Result<()> {
    let epoch = verification.seconds().await?.max(verification.latest_epoch().await? + 1);
    verifier.raise_epochs(&verification, epoch).await?;
    Ok(verification.open(epoch).await?)
}
