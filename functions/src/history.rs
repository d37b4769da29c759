//! `GET /api/v1/items/{id}/bids`: how an item came where it stands.

use archive::Archive;
use auction::{AuctionEvent, ItemId, Position};
use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::StatusCode,
};
use ledger::{Continuity, LogPage};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{App, items::item_id, problem::Problem};

/// Some 250 bytes each: a page stays below 256 KiB.
const PAGE_LENGTH_MAX: usize = 1_000;
const PAGE_LENGTH_DEFAULT: usize = 100;

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    after: u64,
    /// The epoch that `after` counts in. Without it: the item's first if `after` is 0, else its present one.
    epoch: Option<u64>,
    #[serde(default = "page_length_default")]
    limit: usize,
}

fn page_length_default() -> usize {
    PAGE_LENGTH_DEFAULT
}

#[derive(Serialize)]
pub(crate) struct Page {
    item_id: ItemId,
    /// The events of the accepted bids, as the viewers saw them, in order of (epoch, seq).
    bids: Vec<Box<RawValue>>,
    /// Where the next page starts; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_epoch: Option<u64>,
}

pub(crate) async fn bids(
    State(app): State<App>,
    Extension(archive): Extension<Archive>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let item_id = item_id(path)?;
    let unreadable = |_| Problem::bad_request("after, epoch and limit: must be whole numbers");
    let Query(PageQuery { after, epoch, limit }) = query.map_err(unreadable)?;
    if !(1..=PAGE_LENGTH_MAX).contains(&limit) {
        return Err(Problem::bad_request(format!("limit: must be 1 to {PAGE_LENGTH_MAX}")));
    }
    let from = match epoch {
        Some(epoch) => Position { epoch, seq: after },
        None if after == 0 => Position::default(),
        None => Position { epoch: present_epoch(&app, &item_id).await?, seq: after },
    };
    // One more than asked for tells whether there is a next page.
    let mut events = events_after(&app, &archive, &item_id, from, limit + 1).await?;
    let has_more = events.len() > limit;
    events.truncate(limit);
    let last = events.last().filter(|_| has_more).map(|event| event.position);
    let bids = events.iter().map(|event| RawValue::from_string(event.to_json())).collect::<Result<_, _>>();
    let bids = bids.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "A bid has no JSON."))?;
    Ok(Json(Page { item_id, bids, next_after: last.map(|last| last.seq), next_epoch: last.map(|last| last.epoch) }))
}

async fn present_epoch(app: &App, item: &ItemId) -> Result<u64, Problem> {
    let standing = app.noted(app.ledger.standing(item).await).map_err(|error| Problem::of_read(&error))?;
    Ok(standing.state().position.epoch)
}

/// Events after a position: from the log, and from PostgreSQL what has left the log.
///
/// The log is read first, and once. Only what PostgreSQL has leaves it, so whatever is trimmed from then on either was read
/// already or is found there: the seam between the two drops nothing and repeats nothing.
async fn events_after(
    app: &App,
    archive: &Archive,
    item: &ItemId,
    from: Position,
    limit: usize,
) -> Result<Vec<AuctionEvent>, Problem> {
    let page = app.ledger.events_after(item, from, limit).await;
    let LogPage { oldest, continuity, events: in_log, .. } =
        app.noted(page).map_err(|error| Problem::of_read(&error))?;
    let is_complete = match oldest {
        // Of a lost position too, once the log has what came instead.
        Some(oldest) => continuity == Continuity::Unbroken || oldest <= from,
        None => false,
    };
    if is_complete {
        return Ok(in_log);
    }
    let mut events = archive.bids_after(item, from, oldest, limit as u32).await?;
    events.extend(in_log);
    events.truncate(limit);
    Ok(events)
}
