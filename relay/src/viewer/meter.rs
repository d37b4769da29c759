//! A socket from which a viewer's bytes are read, up to a limit.
//!
//! The WebSocket's reader tells of whole messages only, so what never becomes one is counted below it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::limits::BYTES_PER_PING_MAX;

/// Reading fails with [`io::ErrorKind::QuotaExceeded`] when more came since the last ping than a viewer may send.
pub(crate) struct Metered {
    stream: TcpStream,
    bytes_left: usize,
}

impl Metered {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, bytes_left: BYTES_PER_PING_MAX }
    }

    pub(super) fn start_again(&mut self) {
        self.bytes_left = BYTES_PER_PING_MAX;
    }

    pub(super) fn into_stream(self) -> TcpStream {
        self.stream
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        let count = into.filled().len() - before;
        self.bytes_left = self.bytes_left.checked_sub(count).ok_or(io::ErrorKind::QuotaExceeded)?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
