//! Cross-origin requests: an HTTP API answers them itself, as its template says.

use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

use super::template::Cors;

pub(super) fn layer(cors: &Cors) -> Result<CorsLayer> {
    let lists = [&cors.allow_origins, &cors.allow_methods, &cors.allow_headers, &cors.expose_headers];
    let is_open = lists.iter().any(|list| any(list));
    ensure!(!(cors.allow_credentials && is_open), "CorsConfiguration: AllowCredentials does not go with \"*\"");
    let mut layer = CorsLayer::new().allow_credentials(cors.allow_credentials);
    layer = match any(&cors.allow_origins) {
        true => layer.allow_origin(AllowOrigin::any()),
        false => layer.allow_origin(all::<HeaderValue>("AllowOrigins", &cors.allow_origins)?),
    };
    layer = match any(&cors.allow_methods) {
        true => layer.allow_methods(AllowMethods::any()),
        false => layer.allow_methods(all::<Method>("AllowMethods", &cors.allow_methods)?),
    };
    layer = match any(&cors.allow_headers) {
        true => layer.allow_headers(AllowHeaders::any()),
        false => layer.allow_headers(all::<HeaderName>("AllowHeaders", &cors.allow_headers)?),
    };
    layer = match any(&cors.expose_headers) {
        true => layer.expose_headers(ExposeHeaders::any()),
        false => layer.expose_headers(all::<HeaderName>("ExposeHeaders", &cors.expose_headers)?),
    };
    Ok(match cors.max_age {
        Some(max_age) => layer.max_age(max_age),
        None => layer,
    })
}

fn any(values: &[String]) -> bool {
    values.iter().any(|value| value == "*")
}

fn all<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    property: &str,
    values: &[String],
) -> Result<Vec<T>> {
    values.iter().map(|value| value.parse().with_context(|| format!("{property} has {value:?}"))).collect()
}
