//! How the commands of another terminal reach the running supervisor: one line of JSON each way over a Unix socket.

mod lock;
mod serve;

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

pub(crate) use self::lock::RunLock;
pub(crate) use self::serve::Control;

/// Relative to the project's folder, which is the current one of every command.
const SOCKET: &str = ".local/control.sock";

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) action: Action,
    /// Whole or short. None: all of them, for `Status` and `Stop`.
    pub(crate) server: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    Status,
    Start,
    Stop,
    Kill,
    Pause,
    Resume,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Status(Vec<Row>),
    Done(String),
    Error(String),
}

/// One server in `status`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) server: String,
    pub(crate) status: String,
    pub(crate) pid: Option<u32>,
    pub(crate) url: String,
}

pub(crate) async fn ask(request: &Request) -> Result<Answer> {
    let stream = match UnixStream::connect(Path::new(SOCKET)).await {
        Ok(stream) => stream,
        Err(_) => bail!("{}", lock::why_no_answer()?),
    };
    let mut stream = BufReader::new(stream);
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_line(&mut answer).await?;
    serde_json::from_str(&answer).context("the supervisor ended before it answered")
}
