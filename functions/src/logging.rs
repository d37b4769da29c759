//! Logs as text on one machine, as JSON under Lambda. `RUST_LOG` filters them, `info` by default.

use tracing_subscriber::EnvFilter;

use crate::config::is_lambda;

pub fn start() {
    let filter = EnvFilter::builder().with_default_directive(tracing::Level::INFO.into()).from_env_lossy();
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if is_lambda() { logs.json().init() } else { logs.with_ansi(false).init() }
}
