//! Connections to an HTTP server that are kept open: what a generator needs, and little that takes time.

mod pool;
mod target;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::task::JoinHandle;

pub use self::pool::Pool;
pub use self::target::{Stream, Target};

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there is no answer.
struct Failure {
    /// The request, if the server had hung up before it was sent.
    unsent: Option<Box<Request<Full<Bytes>>>>,
    error: hyper::Error,
}

pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    carrying: JoinHandle<()>,
}

impl Connection {
    pub async fn open(target: &Target) -> Result<Self> {
        let (sender, connection) = http1::handshake(TokioIo::new(target.connect().await?)).await?;
        let carrying = tokio::spawn(async move {
            // Its error is the request's too.
            let _ = connection.await;
        });
        Ok(Self { sender, carrying })
    }

    /// One request after the other.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Answer> {
        Ok(self.try_send(request).await.map_err(|failure| failure.error)?)
    }

    async fn try_send(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        // A connection that is not ready gives the request back.
        let _ = self.sender.ready().await;
        let answer = self.sender.try_send_request(request).await.map_err(|mut failed| {
            let unsent = failed.take_message().map(Box::new);
            Failure { unsent, error: failed.into_error() }
        })?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| Failure { unsent: None, error })?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}
