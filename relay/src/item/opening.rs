//! Reading an item from Redis: its first snapshot, and what its feed asks for later.

use anyhow::{Context, Result};
use async_nats::Subscriber;
use auction::{ItemId, Position};
use ledger::{LogPage, Standing};
use tokio::time::timeout;

use crate::feed::Read;
use crate::hub::Hub;
use crate::limits;

/// An item with its subscription.
pub(super) struct Opened {
    pub(super) subscription: Subscriber,
    pub(super) standing: Standing,
}

pub(super) enum Answer {
    Standing(Standing),
    Log(LogPage),
}

/// Subscribes first and reads then: an event that the snapshot does not hold comes by the subscription.
pub(super) async fn open(hub: &Hub, item: &ItemId) -> Result<Opened> {
    let opening = async {
        let subscription = hub.bus.subscribe(item).await?;
        let _permit = hub.reads.acquire().await?;
        Ok(Opened { subscription, standing: hub.ledger.standing(item).await? })
    };
    timeout(limits::OPEN_DEADLINE, opening).await.context("timed out")?
}

pub(super) async fn read(hub: &Hub, item: &ItemId, read: Read) -> Result<Answer> {
    let _permit = hub.reads.acquire().await?;
    match read {
        Read::Standing => Ok(Answer::Standing(hub.ledger.standing(item).await?)),
        Read::Log { after } => Ok(Answer::Log(page(hub, item, after).await?)),
    }
}

/// A page of the log for viewers that missed it.
pub(super) async fn log_after(hub: &Hub, item: &ItemId, after: Position) -> Result<LogPage> {
    let _permit = hub.reads.acquire().await?;
    page(hub, item, after).await
}

async fn page(hub: &Hub, item: &ItemId, after: Position) -> Result<LogPage> {
    Ok(hub.ledger.events_after(item, after, limits::LOG_PAGE_EVENTS).await?)
}
