//! One function under Lambda, or under `cargo lambda watch`.

use axum::{Router, body::Body, http::Response, response::IntoResponse};
use http_body_util::BodyExt;
use lambda_http::{Request, RequestExt, service_fn};
use tower::ServiceExt;

use crate::{
    App, Config,
    problem::Problem,
    routes::{Function, router},
};

/// Serves one function's routes until the environment ends.
pub async fn run(function: &Function) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let app = App::new(&config).await?;
    let router = router(app, &config, &[function])?;
    let handler = service_fn(move |request: Request| answer(router.clone(), request));
    lambda_http::run_concurrent(handler).await.map_err(anyhow::Error::from_boxed)
}

/// Answers one event. The whole answer in one piece: Lambda freezes what is left to be sent later.
pub async fn answer(router: Router, request: Request) -> Result<Response<lambda_http::Body>, lambda_http::Error> {
    if !request.raw_http_path().bytes().all(is_of_a_path) {
        let problem = Problem::bad_request("The path has characters that no path of this interface has.");
        return buffered(problem.into_response()).await;
    }
    buffered(router.oneshot(request.map(into_axum)).await?).await
}

/// The path of an event is decoded. Made into a URL again, line breaks would fall out of it, and other characters would
/// end it: an id must not become another id on the way.
fn is_of_a_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte)
}

async fn buffered(response: Response<Body>) -> Result<Response<lambda_http::Body>, lambda_http::Error> {
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await?.to_bytes().into())?;
    Ok(Response::from_parts(parts, lambda_http::Body::Text(text)))
}

fn into_axum(body: lambda_http::Body) -> Body {
    match body {
        lambda_http::Body::Text(text) => text.into(),
        lambda_http::Body::Binary(bytes) => bytes.into(),
        _ => Body::empty(),
    }
}
