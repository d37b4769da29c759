//! From the outbox straight into the archive, for events that nobody else brought: NATS was away, lost its store, or was
//! never told because the function died first.

use std::time::Duration;

use auction::ItemId;
use ledger::{OutboxCursor, OutboxPage, Placed};

use crate::{Delivery, Intake, IntakeError, SetAside, Taken, limits};

pub struct Reconciler {
    intake: Intake,
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// Entries that were looked at.
    pub entries: usize,
    /// Rows that were not there before.
    pub archived: u64,
    /// What was set aside and had not been before. It stays in the outbox.
    pub set_aside: Vec<SetAside>,
}

impl Reconciler {
    pub fn new(intake: Intake) -> Self {
        Self { intake }
    }

    /// Takes everything that has waited for at least `age`.
    pub async fn run(&self, age: Duration) -> Result<Reconciled, IntakeError> {
        let mut reconciled = Reconciled::default();
        let mut cursor = OutboxCursor::default();
        while !cursor.is_at_end() {
            for taken in self.page(age, &mut cursor, |_| {}).await? {
                reconciled.entries += taken.stored.len();
                reconciled.archived += taken.stored.archived;
                reconciled.set_aside.extend(taken.news);
            }
        }
        Ok(reconciled)
    }

    /// Takes the next page: the heads of all outboxes come first, and what must stay keeps nothing behind it there. Doing so
    /// beside others is safe: all sort their rows, and the second finds them there.
    ///
    /// `note` is told of each item that was archived of.
    pub(crate) async fn page(
        &self,
        age: Duration,
        cursor: &mut OutboxCursor,
        note: impl Fn(&ItemId),
    ) -> Result<Vec<Taken>, IntakeError> {
        let page = self.intake.ledger().overdue(age, cursor, limits::OVERDUE_PER_SHARD_MAX).await?;
        let (deliveries, unreadable) = deliveries(page);
        let mut all = Vec::new();
        if !unreadable.is_empty() {
            all.push(self.intake.take(&[], unreadable).await?);
        }
        for batch in deliveries.chunks(limits::BATCH_LENGTH_MAX) {
            let taken = self.intake.take(batch, Vec::new()).await?;
            self.intake.ledger().delete_from_outbox(&taken.stored.confirmed).await?;
            batch.iter().for_each(|delivery| note(&delivery.event().item_id));
            all.push(taken);
        }
        Ok(all)
    }
}

fn deliveries(page: OutboxPage) -> (Vec<Delivery>, Vec<SetAside>) {
    let unreadable = page.unreadable.iter();
    let mut unreadable: Vec<SetAside> = unreadable
        .map(|entry| SetAside::unreadable(entry.outbox_id.to_string(), &entry.error, entry.content.as_bytes()))
        .collect();
    let mut deliveries = Vec::new();
    for Placed { outbox_id, event } in page.placed {
        let json = event.to_json();
        match Delivery::read(json.as_bytes(), Some(outbox_id.clone())) {
            Ok(delivery) => deliveries.push(delivery),
            Err(error) => unreadable.push(SetAside::unreadable(outbox_id.to_string(), &error, json.as_bytes())),
        }
    }
    (deliveries, unreadable)
}
