//! `GET /api/v1/items/{id}`: where an item stands.

use auction::{Amount, ItemId, Timestamp, UserId};
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use serde::Serialize;

use crate::{App, place_bid::unknown_item, problem::Problem};

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
    let standing = app.noted(app.ledger.standing(&id).await).map_err(|error| Problem::of_read(&error))?;
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
