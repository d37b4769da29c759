use anyhow::Context;
use functions::{Config, api, config, connections, logging};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    logging::start();
    let config = Config::from_env()?;
    let address = config::api_address()?;
    let listener =
        connections::listen(&address).await.with_context(|| format!("API_ADDR: cannot listen on {address}"))?;
    let shutdown = CancellationToken::new();
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let server = tokio::spawn(api::run(config, listener, shutdown.clone()));
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    shutdown.cancel();
    server.await.context("the server panicked")?
}
