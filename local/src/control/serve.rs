//! The supervisor's end of the control socket.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::{Action, Answer, Request, Row, SOCKET};
use crate::system::System;

/// A request is a name and an action.
const REQUEST_BYTES: u64 = 4096;
/// For the last answers to reach their readers when the supervisor ends.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);

/// The open control socket.
pub(crate) struct Control {
    listener: UnixListener,
    system: Arc<System>,
    stop_sender: mpsc::Sender<StopRequest>,
    stop_requests: mpsc::Receiver<StopRequest>,
    connections: JoinSet<()>,
}

/// Somebody asked for the end of the whole system, and waits for the answer.
pub(crate) struct StopRequest {
    answer: oneshot::Sender<Answer>,
}

impl StopRequest {
    pub(crate) fn answer(self, answer: Answer) {
        // Whoever asked may have gone.
        let _ = self.answer.send(answer);
    }
}

impl Control {
    /// Only for the holder of the run lock: a socket that is there already is a dead supervisor's.
    pub(crate) fn open(system: Arc<System>) -> Result<Self> {
        let _ = fs::remove_file(SOCKET);
        let listener = UnixListener::bind(SOCKET).with_context(|| format!("cannot open {SOCKET}"))?;
        let (stop_sender, stop_requests) = mpsc::channel(1);
        Ok(Self { listener, system, stop_sender, stop_requests, connections: JoinSet::new() })
    }

    /// Answers requests until one asks for the end of the whole system.
    pub(crate) async fn stop_requested(&mut self) -> StopRequest {
        loop {
            tokio::select! {
                Some(request) = self.stop_requests.recv() => return request,
                Ok((stream, _)) = self.listener.accept() => {
                    let connection = connection(stream, Arc::clone(&self.system), self.stop_sender.clone());
                    self.connections.spawn(connection);
                }
                Some(_) = self.connections.join_next() => {}
            }
        }
    }

    pub(crate) async fn close(mut self) {
        let _ = fs::remove_file(SOCKET);
        drop(self.stop_requests);
        let answered = async { while self.connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(CLOSE_DEADLINE, answered).await;
    }
}

async fn connection(stream: UnixStream, system: Arc<System>, stop_sender: mpsc::Sender<StopRequest>) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let read = (&mut stream).take(REQUEST_BYTES).read_line(&mut line).await;
    let answer = match read.map_err(anyhow::Error::from).and_then(|_| Ok(serde_json::from_str(&line)?)) {
        Ok(Request { action: Action::Stop, server: None }) => stop_all(stop_sender).await,
        Ok(request) => act(&system, &request).await,
        Err(error) => Err(error.context("not a request")),
    };
    let answer = answer.unwrap_or_else(|error| Answer::Error(format!("{error:#}")));
    if let Ok(mut line) = serde_json::to_string(&answer) {
        line.push('\n');
        // Whoever asked may have gone.
        let _ = stream.write_all(line.as_bytes()).await;
    }
}

async fn stop_all(stop_sender: mpsc::Sender<StopRequest>) -> Result<Answer> {
    let (answer, answered) = oneshot::channel();
    stop_sender.send(StopRequest { answer }).await.ok().context("the system is stopping already")?;
    answered.await.context("the system is stopping already")
}

async fn act(system: &System, request: &Request) -> Result<Answer> {
    let Some(name) = &request.server else { return Ok(status(system)) };
    let server = system.find(name)?;
    match request.action {
        Action::Status => return Ok(status(system)),
        Action::Start => server.start().await?,
        Action::Stop => server.stop().await?,
        Action::Kill => server.kill().await?,
        Action::Pause => server.pause()?,
        Action::Resume => server.resume()?,
    }
    Ok(Answer::Done(format!("{}: {}", server.name(), server.status())))
}

fn status(system: &System) -> Answer {
    let rows = system.servers().iter().map(|server| Row {
        server: server.name().to_string(),
        status: server.status().to_string(),
        pid: server.pid(),
        url: server.public_url().to_owned(),
    });
    Answer::Status(rows.collect())
}
