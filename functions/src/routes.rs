//! Which function answers which route. The SAM template and the router table of `cargo lambda watch` say the same,
//! which a test checks.

use axum::{
    Router,
    http::{Method, header},
    routing::{MethodRouter, get, post},
};
use tower_http::cors::CorsLayer;

use crate::{App, Config, health, history, items, place_bid, problem};

/// A Lambda function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    PlaceBid,
    Items,
}

impl Function {
    pub const ALL: [Self; 2] = [Self::PlaceBid, Self::Items];

    /// The name of its binary.
    pub fn name(self) -> &'static str {
        match self {
            Self::PlaceBid => "place-bid",
            Self::Items => "items",
        }
    }
}

pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub function: Function,
    handler: fn() -> MethodRouter<App>,
}

pub const ROUTES: [Route; 5] = [
    Route {
        method: Method::POST,
        path: "/api/v1/items/{id}/bid",
        function: Function::PlaceBid,
        handler: || post(place_bid::place_bid),
    },
    Route { method: Method::GET, path: "/api/v1/items/{id}", function: Function::Items, handler: || get(items::item) },
    Route {
        method: Method::GET,
        path: "/api/v1/items/{id}/bids",
        function: Function::Items,
        handler: || get(history::bids),
    },
    Route { method: Method::GET, path: "/health", function: Function::Items, handler: || get(health::health) },
    Route { method: Method::GET, path: "/ready", function: Function::Items, handler: || get(health::ready) },
];

/// The routes of the given functions.
pub fn router(app: App, config: &Config, functions: &[Function]) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(config.cors_origins.clone())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            header::HeaderName::from_static("idempotency-key"),
        ])
        .expose_headers([header::RETRY_AFTER]);
    ROUTES
        .iter()
        .filter(|route| functions.contains(&route.function))
        .fold(Router::new(), |router, route| router.route(route.path, (route.handler)()))
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(cors)
        .with_state(app)
}
