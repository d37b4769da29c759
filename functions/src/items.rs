//! `GET /api/v1/items/{id}` and `GET /api/v1/items/{id}/bids`: where an item stands, and how it came there.

use auction::{Amount, AuctionEvent, ItemId, Position, Timestamp, UserId};
use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{App, place_bid::unknown_item, problem::Problem};

/// Some 250 bytes each: a page stays below 256 KiB.
const PAGE_LENGTH_MAX: usize = 1_000;
const PAGE_LENGTH_DEFAULT: usize = 100;

/// Checks the `{id}` of a path.
pub(crate) fn item_id(path: Result<Path<String>, PathRejection>) -> Result<ItemId, Problem> {
    let Path(id) = path.map_err(|_| Problem::bad_request("The path is not UTF-8."))?;
    Ok(ItemId::parse(&id)?)
}

#[derive(Serialize)]
pub(crate) struct Item {
    id: ItemId,
    current_bid: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    highest_bidder_id: Option<UserId>,
    status: &'static str,
    epoch: u64,
    seq: u64,
    minimum_bid: Amount,
    bid_count: u64,
    server_time: Timestamp,
}

pub(crate) async fn item(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Item>, Problem> {
    let id = item_id(path)?;
    let standing = app.ledger.standing(&id).await?;
    if standing.item.is_none() && !app.unlisted_items_allowed {
        return Err(unknown_item(&id));
    }
    let state = standing.state();
    Ok(Json(Item {
        id,
        current_bid: state.current_bid(),
        minimum_bid: state.minimum_bid(),
        highest_bidder_id: state.leader.map(|leader| leader.user),
        status: "active",
        epoch: state.position.epoch,
        seq: state.position.seq,
        bid_count: state.bid_count,
        server_time: standing.server_time,
    }))
}

#[derive(Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    after: u64,
    #[serde(default = "page_length_default")]
    limit: usize,
}

fn page_length_default() -> usize {
    PAGE_LENGTH_DEFAULT
}

#[derive(Serialize)]
pub(crate) struct Page {
    item_id: ItemId,
    /// The events of the accepted bids, as the viewers saw them, in order of seq.
    bids: Vec<Box<RawValue>>,
    /// The `after` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<u64>,
}

pub(crate) async fn bids(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let item_id = item_id(path)?;
    let Query(PageQuery { after, limit }) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
    if !(1..=PAGE_LENGTH_MAX).contains(&limit) {
        return Err(Problem::bad_request(format!("limit: must be 1 to {PAGE_LENGTH_MAX}")));
    }
    // One more than asked for tells whether there is a next page.
    let mut events = events_after(&app, &item_id, after, limit + 1).await?;
    let has_more = events.len() > limit;
    events.truncate(limit);
    let next_after = events.last().filter(|_| has_more).map(|event| event.position.seq);
    let bids = events.iter().map(|event| RawValue::from_string(event.to_json())).collect::<Result<_, _>>();
    let bids = bids.map_err(|_| Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "A bid has no JSON."))?;
    Ok(Json(Page { item_id, bids, next_after }))
}

/// Events after `after`: from the log, and from PostgreSQL what the log no longer has.
async fn events_after(app: &App, item: &ItemId, after: u64, limit: usize) -> Result<Vec<AuctionEvent>, Problem> {
    let page = app.ledger.events_after(item, after, limit).await?;
    if page.oldest.is_some_and(|oldest| oldest.seq <= after.saturating_add(1)) {
        return Ok(page.events);
    }
    // A page from the start shows every epoch; a later one goes on in the present epoch.
    let epoch = if after == 0 { 0 } else { app.ledger.standing(item).await?.state().position.epoch };
    let from = Position { epoch, seq: after };
    let mut events = app.archive.bids_after(item, from, page.oldest, limit as u32).await?;
    events.extend(page.events);
    events.truncate(limit);
    Ok(events)
}
