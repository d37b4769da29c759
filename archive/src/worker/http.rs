//! Health, readiness and metrics.

use std::io;

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use ledger::Ledger;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{metrics, status::Status};
use crate::limits;

#[derive(Clone)]
struct Seen {
    status: Status,
    ledger: Ledger,
}

pub(super) async fn serve(
    listener: TcpListener,
    status: &Status,
    ledger: &Ledger,
    shutdown: &CancellationToken,
) -> io::Result<()> {
    let router = Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(show_metrics))
        .with_state(Seen { status: status.clone(), ledger: ledger.clone() });
    let server = axum::serve(listener, router).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let patience = async {
        shutdown.cancelled().await;
        tokio::time::sleep(limits::HTTP_SHUTDOWN_GRACE).await;
    };
    tokio::select! {
        served = server => served,
        () = patience => Ok(()),
    }
}

async fn health() -> impl IntoResponse {
    Json(json!({"status": "healthy", "service": "archival-worker"}))
}

async fn ready(State(seen): State<Seen>) -> impl IntoResponse {
    let problems = seen.status.problems();
    let code = if problems.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(json!({"ready": problems.is_empty(), "problems": problems})))
}

async fn show_metrics(State(seen): State<Seen>) -> impl IntoResponse {
    let outbox = seen.ledger.outbox_load().await.ok();
    ([("content-type", metrics::CONTENT_TYPE)], metrics::text(&seen.status, outbox))
}
