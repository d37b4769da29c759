//! From any source into the archive: what can be stored is stored, what cannot is set aside, and nothing waits for
//! anything else.

use ledger::{Ledger, LedgerError};

use crate::{Delivery, SetAside, Sink, SinkError, Stored};

/// Cloning it shares the connections.
#[derive(Clone)]
pub struct Intake {
    sink: Sink,
    ledger: Ledger,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Taken {
    pub stored: Stored,
    /// What was set aside and had not been before.
    pub news: Vec<SetAside>,
}

/// The batch is not taken, or not known to be: take it again, for as long as it takes.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error(transparent)]
    Sink(#[from] SinkError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Intake {
    pub fn new(sink: Sink, ledger: Ledger) -> Self {
        Self { sink, ledger }
    }

    pub(crate) fn sink(&self) -> &Sink {
        &self.sink
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Takes a batch of at most [`crate::BATCH_LENGTH_MAX`], and what came with it that is no event. Taking it again is
    /// always safe.
    pub async fn take(&self, deliveries: &[Delivery], unreadable: Vec<SetAside>) -> Result<Taken, IntakeError> {
        let mut stored = Stored::default();
        let mut findings = unreadable;
        self.store(deliveries, &mut stored, &mut findings).await?;
        let superseded = std::mem::take(&mut stored.superseded);
        if !superseded.is_empty() {
            let (in_log, lost) = self.sort_superseded(superseded).await?;
            self.store(&in_log, &mut stored, &mut findings).await?;
            findings.extend(lost.iter().map(SetAside::lost));
        }
        findings.extend(stored.divergent.iter().map(SetAside::divergent));
        let is_new = self.sink.quarantine(&findings).await?;
        let news = findings.into_iter().zip(is_new).filter_map(|(finding, is_new)| is_new.then_some(finding)).collect();
        Ok(Taken { stored, news })
    }

    /// Halves a batch that PostgreSQL refuses until the rows that it refuses are alone.
    async fn store(
        &self,
        deliveries: &[Delivery],
        stored: &mut Stored,
        findings: &mut Vec<SetAside>,
    ) -> Result<(), SinkError> {
        let mut parts = vec![deliveries];
        while let Some(part) = parts.pop() {
            match (self.sink.store(part).await, part) {
                (Ok(more), _) => stored.add(more),
                (Err(error @ SinkError::Rejected(_)), [one]) => findings.push(SetAside::rejected(one, &error)),
                (Err(SinkError::Rejected(_)), _) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                (Err(error), _) => return Err(error),
            }
        }
        Ok(())
    }

    /// Events of an earlier epoch: those that Redis still has in its log, and those that it has lost.
    async fn sort_superseded(&self, superseded: Vec<Delivery>) -> Result<(Vec<Delivery>, Vec<Delivery>), LedgerError> {
        let events: Vec<_> = superseded.iter().map(Delivery::event).collect();
        let in_log = self.ledger.are_in_log(&events).await?;
        let (mut found, mut lost) = (Vec::new(), Vec::new());
        for (delivery, is_in_log) in superseded.into_iter().zip(in_log) {
            match is_in_log {
                true => found.push(delivery.found_in_log()),
                false => lost.push(delivery),
            }
        }
        Ok((found, lost))
    }
}
