//! What the relay says about itself. Nothing here touches Redis or NATS.

use std::sync::Arc;

use auction::{ItemId, Timestamp};
use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::Serialize;

use super::{App, Problem, item_id};
use crate::clock::wall_clock;
use crate::metrics::{self, Levels};

#[derive(Serialize)]
pub(super) struct Health {
    status: &'static str,
    service: &'static str,
    time: Timestamp,
}

pub(super) async fn health() -> Json<Health> {
    Json(Health { status: "healthy", service: "broadcast-service", time: wall_clock() })
}

#[derive(Serialize)]
pub(super) struct ItemStats {
    #[serde(rename = "itemId")]
    item_id: ItemId,
    subscribers: usize,
}

pub(super) async fn item_stats(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<ItemStats>, Problem> {
    let item_id = item_id(path)?;
    let subscribers = app.hub.subscribers(&item_id);
    Ok(Json(ItemStats { item_id, subscribers }))
}

#[derive(Serialize)]
pub(super) struct Stats {
    subscribers: usize,
    items: usize,
    connections: usize,
    nats_connected: bool,
    frames_sent: u64,
    slow_viewers_closed: u64,
    slow_viewers_conflated: u64,
    gaps_filled: u64,
    snapshots_sent: u64,
    events_in_order: u64,
    events_held: u64,
    events_duplicate: u64,
    events_superseded: u64,
    events_invalid: u64,
}

pub(super) async fn stats(State(app): State<Arc<App>>) -> Json<Stats> {
    let levels = levels(&app);
    let metrics = &app.hub.metrics;
    Json(Stats {
        subscribers: levels.subscribers,
        items: levels.items,
        connections: levels.connections,
        nats_connected: levels.nats_connected,
        frames_sent: metrics.frames_sent.get(),
        slow_viewers_closed: metrics.slow_viewers_closed.get(),
        slow_viewers_conflated: metrics.slow_viewers_conflated.get(),
        gaps_filled: metrics.gaps_filled.get(),
        snapshots_sent: metrics.snapshots.get(),
        events_in_order: metrics.events_in_order.get(),
        events_held: metrics.events_held.get(),
        events_duplicate: metrics.events_duplicate.get(),
        events_superseded: metrics.events_superseded.get(),
        events_invalid: metrics.invalid_events.get(),
    })
}

pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<impl IntoResponse, Problem> {
    let failed = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "metrics", "the metrics cannot be written");
    let text = app.hub.metrics.encode(levels(&app)).map_err(failed)?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text))
}

fn levels(app: &App) -> Levels {
    let counts = app.hub.counts();
    let handshakes = app.handshakes_max - app.handshakes.available_permits();
    Levels {
        subscribers: counts.subscribers,
        items: counts.items,
        connections: app.hub.places.taken() + handshakes,
        nats_connected: app.hub.bus.is_connected(),
    }
}
