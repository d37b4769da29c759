//! One viewer's connection: frames from its queue to its socket, until one side ends it.
//!
//! It knows nothing of other viewers. What is to be shown, and when to close, it is told by the item.

mod goodbye;
mod meter;
mod pulse;

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message, Utf8Bytes},
};
use uuid::Uuid;

pub(crate) use self::meter::Metered;
use self::pulse::{Beat, Pulse};
use crate::closing::Closing;
use crate::item::{Command, ItemHandle, Since, Viewer};
use crate::limits;
use crate::metrics::Metrics;

pub(crate) struct Connection {
    socket: WebSocketStream<Metered>,
    queue: mpsc::Receiver<Utf8Bytes>,
    closing: oneshot::Receiver<Closing>,
    pulse: Pulse,
    metrics: Arc<Metrics>,
}

/// How a connection ends.
enum End {
    /// We close it, and say why.
    Closed(Closing),
    /// The viewer closed it, or is gone.
    Gone,
}

impl Connection {
    /// Joins the item and serves until the end.
    pub(crate) async fn join(
        socket: WebSocketStream<Metered>,
        item: Arc<ItemHandle>,
        since: Option<Since>,
        metrics: Arc<Metrics>,
    ) {
        let id = Uuid::now_v7();
        let (queue_sender, queue) = mpsc::channel(limits::VIEWER_QUEUE_FRAMES);
        let (closing_sender, closing) = oneshot::channel();
        let viewer = Viewer { id, queue: queue_sender, closing: closing_sender, since };
        let pulse = Pulse::new(id, Instant::now());
        let mut connection = Self { socket, queue, closing, pulse, metrics };
        let end = match item.send(Command::Join(viewer)).await {
            Ok(()) => connection.serve().await,
            Err(_) => End::Closed(Closing::Restart),
        };
        // The item is left first: saying goodbye may take long. An item that has ended needs no telling.
        let _ = item.send(Command::Leave(id)).await;
        drop(item);
        if let End::Closed(why) = end {
            Box::pin(goodbye::say(connection.socket, why)).await;
        }
    }

    async fn serve(&mut self) -> End {
        loop {
            let end = tokio::select! {
                biased;
                why = &mut self.closing => Some(told(why)),
                frame = self.queue.recv() => match frame {
                    Some(frame) => self.write(frame).await,
                    None => Some(End::Closed(Closing::Restart)),
                },
                message = self.socket.next() => self.hear(message),
                () = sleep_until(self.pulse.next()) => match self.pulse.beat(Instant::now()) {
                    Beat::Early => None,
                    Beat::Ping => Box::pin(self.ping()).await,
                    Beat::Dead => Some(End::Closed(Closing::Silent)),
                },
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// Writes a frame and all that wait behind it, with as few system calls as they fit in.
    async fn write(&mut self, first: Utf8Bytes) -> Option<End> {
        let Self { socket, queue, .. } = self;
        let mut count = 0;
        let writing = async {
            let mut next = Some(first);
            while let Some(frame) = next {
                socket.feed(Message::Text(frame)).await?;
                count += 1;
                next = if count < limits::VIEWER_QUEUE_FRAMES as u64 { queue.try_recv().ok() } else { None };
            }
            socket.flush().await
        };
        let written = tokio::select! {
            biased;
            why = &mut self.closing => return Some(told(why)),
            written = timeout(limits::WRITE_DEADLINE, writing) => written,
        };
        match written {
            Ok(Ok(())) => {
                self.metrics.frames_sent.inc_by(count);
                None
            }
            Ok(Err(_)) => Some(End::Gone),
            Err(_) => {
                self.metrics.slow_viewers_closed.inc();
                Some(End::Closed(Closing::TooSlow))
            }
        }
    }

    async fn ping(&mut self) -> Option<End> {
        self.socket.get_mut().start_again();
        let sent = timeout(limits::WRITE_DEADLINE, self.socket.send(Message::Ping(Default::default()))).await;
        match sent {
            Ok(Ok(())) => None,
            Ok(Err(_)) | Err(_) => Some(End::Gone),
        }
    }

    /// What a viewer says means nothing, except that it is there. The socket answers its pings.
    fn hear(&mut self, message: Option<Result<Message, Error>>) -> Option<End> {
        match message {
            // The close frame is answered when the socket is read again, which then ends it.
            Some(Ok(_)) if self.pulse.heard(Instant::now()) => None,
            Some(Ok(_)) => Some(End::Closed(Closing::Flooding)),
            Some(Err(error)) => Some(Closing::of_read_error(&error).map_or(End::Gone, End::Closed)),
            None => Some(End::Gone),
        }
    }
}

/// The item's word, or the item itself is no more.
fn told(why: Result<Closing, oneshot::error::RecvError>) -> End {
    End::Closed(why.unwrap_or(Closing::Restart))
}
