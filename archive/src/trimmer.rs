//! Keeping the logs short. An event leaves its log only when it is known to stand in PostgreSQL, with all before it.

use std::num::NonZeroUsize;

use auction::ItemId;
use ledger::LedgerError;

use crate::{Intake, IntakeError, limits};

/// Cloning it shares the connections.
#[derive(Clone)]
pub struct Trimmer {
    intake: Intake,
    kept: usize,
}

impl Trimmer {
    /// `kept`: how many events each log keeps.
    pub fn new(intake: Intake, kept: NonZeroUsize) -> Self {
        Self { intake, kept: kept.get() }
    }

    /// Trims the logs of these items, if they have become too long.
    pub async fn trim(&self, items: &[ItemId]) -> Result<(), IntakeError> {
        let lengths = self.intake.ledger().log_lengths(items).await?;
        for (item, length) in items.iter().zip(lengths) {
            let mut excess = length.saturating_sub(self.kept);
            // Not for each single event.
            if excess < limits::TRIMMING_EXCESS_MIN.min(self.kept) {
                continue;
            }
            while excess > 0 {
                let trimmed = self.trim_head(item, excess.min(limits::BATCH_LENGTH_MAX)).await?;
                if trimmed == 0 {
                    break;
                }
                excess = excess.saturating_sub(trimmed);
            }
        }
        Ok(())
    }

    /// Answers how many events it took out.
    async fn trim_head(&self, item: &ItemId, count: usize) -> Result<usize, IntakeError> {
        let ledger = self.intake.ledger();
        let head = match ledger.log_head(item, count).await {
            // A newer version's event: the log is left to that version.
            Err(LedgerError::Corrupt(_) | LedgerError::Unreadable(_)) => return Ok(0),
            head => head?,
        };
        let standing = self.intake.sink().standing_prefix(&head).await?;
        let Some(last) = standing.checked_sub(1).and_then(|last| head.get(last)) else { return Ok(0) };
        ledger.trim_log(item, last.position.seq).await?;
        Ok(standing)
    }
}
