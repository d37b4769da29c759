//! As many connections to one server as requests are under way.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use tokio::time::timeout;

use super::{Answer, Connection, Failure, Target};

pub struct Pool {
    target: Target,
    /// For an answer, and for a connection if there is none.
    deadline: Duration,
    /// The last used on top.
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub fn new(target: Target, deadline: Duration) -> Self {
        Self { target, deadline, idle: Mutex::default() }
    }

    pub fn authority(&self) -> &str {
        self.target.authority()
    }

    /// Sends it once: it comes again only if it was not sent, because the server had hung up before.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer> {
        let answer = timeout(self.deadline, self.attempt(request)).await;
        answer.with_context(|| format!("no answer within {} s", self.deadline.as_secs()))?
    }

    async fn attempt(&self, mut request: Request<Full<Bytes>>) -> Result<Answer> {
        loop {
            let mut connection = match self.take() {
                Some(connection) => connection,
                None => {
                    let mut connection = Connection::open(&self.target).await?;
                    let answer = connection.send(request).await?;
                    self.give_back(connection);
                    return Ok(answer);
                }
            };
            match connection.try_send(request).await {
                Ok(answer) => {
                    self.give_back(connection);
                    return Ok(answer);
                }
                Err(Failure { unsent: Some(unsent), .. }) => request = *unsent,
                Err(Failure { unsent: None, error }) => return Err(error.into()),
            }
        }
    }

    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find(|connection| !connection.is_closed())
    }

    fn give_back(&self, connection: Connection) {
        if !connection.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
