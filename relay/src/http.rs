//! The routes.

mod problem;
mod report;
mod sse;
mod upgrade;

use std::sync::Arc;

use auction::ItemId;
use axum::{
    Router,
    extract::{Path, rejection::PathRejection},
    http::{Method, StatusCode},
    routing::get,
};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tower_http::cors::{AllowOrigin, CorsLayer};

use self::problem::Problem;
use crate::hub::Hub;
use crate::origins::Origins;

/// What the routes need.
pub(crate) struct App {
    pub(crate) hub: Arc<Hub>,
    pub(crate) origins: Origins,
    pub(crate) handshakes: Arc<Semaphore>,
    pub(crate) handshakes_max: usize,
    pub(crate) tasks: TaskTracker,
    pub(crate) has_echo: bool,
    pub(crate) compression: bool,
}

pub(crate) fn router(app: App) -> Router {
    let origins = app.origins.clone();
    let allowed = AllowOrigin::predicate(move |origin, _| origins.allow(origin));
    let tests = if app.has_echo { Router::new().route("/", get(upgrade::echo)) } else { Router::new() };
    tests
        .route("/ws/items/{id}", get(upgrade::watch_item))
        .route("/ws", get(upgrade::watch_many))
        .route("/sse/items/{id}", get(sse::watch_item))
        .route("/health", get(report::health))
        .route("/stats", get(report::stats))
        .route("/stats/items/{id}", get(report::item_stats))
        .route("/metrics", get(report::metrics))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "not-found", "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "only GET is allowed here")
        })
        .layer(CorsLayer::new().allow_origin(allowed).allow_methods([Method::GET]))
        .with_state(Arc::new(app))
}

/// The item named in the path.
fn item_id(path: Result<Path<String>, PathRejection>) -> Result<ItemId, Problem> {
    let bad = |detail: &str| Problem::new(StatusCode::BAD_REQUEST, "bad-item-id", detail);
    let Path(id) = path.map_err(|_| bad("the item id is not UTF-8"))?;
    ItemId::parse(&id).map_err(|error| bad(&error.to_string()))
}
