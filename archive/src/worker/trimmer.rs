//! Keeps the logs short. An event leaves its log only when it is known to stand in PostgreSQL, with all before it.

use auction::ItemId;
use ledger::LedgerError;
use tokio_util::sync::CancellationToken;

use super::touched::Touched;
use crate::{Intake, IntakeError, limits};

/// `kept`: how many events each log keeps.
pub(super) async fn run(intake: &Intake, touched: &Touched, kept: usize, shutdown: &CancellationToken) {
    let watch = async {
        loop {
            tokio::time::sleep(limits::TRIMMING_INTERVAL).await;
            let items = touched.take();
            for items in items.chunks(limits::TRIMMED_ITEMS_MAX) {
                if let Err(error) = trim(intake, items, kept).await {
                    // What is away is told of elsewhere.
                    tracing::debug!(%error, "logs are not trimmed now");
                    touched.note(items.iter());
                }
            }
        }
    };
    shutdown.run_until_cancelled(watch).await;
}

async fn trim(intake: &Intake, items: &[ItemId], kept: usize) -> Result<(), IntakeError> {
    let lengths = intake.ledger().log_lengths(items).await?;
    for (item, length) in items.iter().zip(lengths) {
        let mut excess = length.saturating_sub(kept);
        // Not for each single event.
        if excess < limits::TRIMMING_EXCESS_MIN.min(kept) {
            continue;
        }
        while excess > 0 {
            let trimmed = trim_head(intake, item, excess.min(limits::BATCH_LENGTH_MAX)).await?;
            if trimmed == 0 {
                break;
            }
            excess = excess.saturating_sub(trimmed);
        }
    }
    Ok(())
}

/// Answers how many events it took out.
async fn trim_head(intake: &Intake, item: &ItemId, count: usize) -> Result<usize, IntakeError> {
    let head = match intake.ledger().log_head(item, count).await {
        // A newer version's event: the log is left to that version.
        Err(LedgerError::Corrupt(_)) => return Ok(0),
        head => head?,
    };
    let standing = intake.sink().standing_prefix(&head).await?;
    let Some(last) = standing.checked_sub(1).and_then(|last| head.get(last)) else { return Ok(0) };
    intake.ledger().trim_log(item, last.position.seq).await?;
    Ok(standing)
}
