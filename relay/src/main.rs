//! The program: settings, signals, exit.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use relay::Config;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> Result<()> {
    start_log();
    relay::raise_open_file_limit();
    let config = Config::from_env()?;
    let listener = relay::listen(&config.address).await?;
    let shutdown = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let until_signalled = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        shutdown.cancel();
        std::future::pending().await
    };
    tokio::select! {
        result = relay::run(config, listener, shutdown.clone()) => result,
        () = until_signalled => Ok(()),
    }
}

fn start_log() {
    // The client's own events are logged by the relay, once for each change.
    let filter = EnvFilter::builder().with_default_directive(tracing::Level::INFO.into()).from_env_lossy();
    let is_terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_terminal).with_writer(std::io::stderr).init();
}
