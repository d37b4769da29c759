//! Which function answers which route. The SAM template and the router table of `cargo lambda watch` say the same,
//! which a test checks.

use anyhow::Context;
use archive::Archive;
use axum::{
    Extension, Router,
    http::{Method, header},
    routing::{MethodRouter, get, post},
};
use tower_http::cors::CorsLayer;

use crate::{App, Config, health, history, items, place_bid, problem};

/// A Lambda function. Each is a constant of its own, so that its binary holds only what its routes need.
pub struct Function {
    /// The name of its binary.
    pub name: &'static str,
    pub routes: &'static [Route],
}

pub struct Route {
    pub method: Method,
    pub path: &'static str,
    handler: fn(&Config) -> anyhow::Result<MethodRouter<App>>,
}

pub static PLACE_BID: Function = Function {
    name: "place-bid",
    routes: &[Route {
        method: Method::POST,
        path: "/api/v1/items/{id}/bid",
        handler: |_| Ok(post(place_bid::place_bid)),
    }],
};

pub static ITEMS: Function = Function {
    name: "items",
    routes: &[
        Route { method: Method::GET, path: "/api/v1/items/{id}", handler: |_| Ok(get(items::item)) },
        Route { method: Method::GET, path: "/api/v1/items/{id}/bids", handler: bids },
        Route { method: Method::GET, path: "/health", handler: |_| Ok(get(health::health)) },
        Route { method: Method::GET, path: "/ready", handler: |_| Ok(get(health::ready)) },
    ],
};

pub static ALL: [&Function; 2] = [&PLACE_BID, &ITEMS];

/// The only route that reads the archive: a cold start of the others need not look for PostgreSQL's settings.
fn bids(config: &Config) -> anyhow::Result<MethodRouter<App>> {
    let archive = Archive::new(&config.postgres_url.parse().context("POSTGRES_URL")?);
    Ok(get(history::bids).layer(Extension(archive)))
}

/// The routes of the given functions.
pub fn router(app: App, config: &Config, functions: &[&Function]) -> anyhow::Result<Router> {
    let cors = CorsLayer::new()
        .allow_origin(config.cors_origins.clone())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE, header::AUTHORIZATION, place_bid::IDEMPOTENCY_KEY])
        .expose_headers([header::RETRY_AFTER, place_bid::IDEMPOTENCY_REPLAYED]);
    let mut router = Router::new();
    for route in functions.iter().flat_map(|function| function.routes) {
        router = router.route(route.path, (route.handler)(config)?);
    }
    let router = router.fallback(problem::no_such_route).method_not_allowed_fallback(problem::method_not_allowed);
    Ok(router.layer(cors).with_state(app))
}
