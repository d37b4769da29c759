//! What cannot be archived, set aside with its bytes and the reason.

use auction::{ItemId, Position};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::{Delivery, Divergence, SinkError};

/// Why something is not archived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Not an event to this version.
    Unreadable,
    /// PostgreSQL refuses what it holds.
    Rejected,
    /// It contradicts what is archived.
    Divergent,
    /// Redis accepted it and has lost it since.
    Lost,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Rejected => "rejected",
            Self::Divergent => "divergent",
            Self::Lost => "lost",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    pub reason: Reason,
    pub detail: String,
    /// The outbox entry or the message.
    pub source: String,
    /// `None` if it cannot be read.
    pub event: Option<(ItemId, Position, Uuid)>,
    pub payload: Vec<u8>,
}

impl SetAside {
    pub fn unreadable(source: String, error: &impl std::fmt::Display, payload: &[u8]) -> Self {
        /// The error may quote an entry of any length.
        const CHARACTERS_KEPT: usize = 200;
        let detail = error.to_string().chars().filter(|&c| c != '\0').take(CHARACTERS_KEPT).collect();
        Self { reason: Reason::Unreadable, detail, source, event: None, payload: payload.to_vec() }
    }

    pub(crate) fn rejected(delivery: &Delivery, error: &SinkError) -> Self {
        Self::delivered(delivery, Reason::Rejected, error.to_string())
    }

    pub(crate) fn lost(delivery: &Delivery) -> Self {
        let detail = "Redis has lost it, and has begun a later epoch".to_owned();
        Self::delivered(delivery, Reason::Lost, detail)
    }

    pub(crate) fn divergent(divergence: &Divergence) -> Self {
        let detail = match divergence.standing_event_id {
            Some(standing) => format!("event {standing} stands at its position"),
            None => "its event id stands at another position".to_owned(),
        };
        Self::delivered(&divergence.delivery, Reason::Divergent, detail)
    }

    fn delivered(delivery: &Delivery, reason: Reason, detail: String) -> Self {
        let event = delivery.event();
        let source = delivery.outbox_id().map_or_else(|| "JetStream".to_owned(), ToString::to_string);
        let event = Some((event.item_id.clone(), event.position, event.event_id));
        Self { reason, detail, source, event, payload: delivery.payload().as_bytes().to_vec() }
    }
}

/// Stores findings; answers for each whether it is new.
pub(crate) async fn store(connection: &mut PgConnection, findings: &[SetAside]) -> Result<Vec<bool>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let mut news = Vec::new();
    for finding in findings {
        let position = finding.event.as_ref();
        let column = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let inserted = sqlx::query_file!(
            "src/quarantine/insert.sql",
            finding.reason.as_str(),
            finding.detail,
            finding.source,
            position.map(|(item, ..)| item.as_str()),
            position.map(|(_, position, _)| column(position.epoch)),
            position.map(|(_, position, _)| column(position.seq)),
            position.map(|(.., event_id)| *event_id),
            finding.payload,
        );
        news.push(inserted.execute(&mut *transaction).await?.rows_affected() > 0);
    }
    transaction.commit().await?;
    Ok(news)
}
