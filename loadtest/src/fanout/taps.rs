//! What the viewers read and the bidders are answered, on its way to the record.

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::record::{Request, Seen, Sight};

const QUEUE: usize = 65_536;

/// A bid that a viewer has read.
pub(super) struct Frame {
    pub(super) at: u64,
    pub(super) event: Uuid,
    pub(super) accepted_at: u64,
}

/// Counts who is connected, keeps what is read, and passes all on.
pub(super) fn look_on(
    record: Option<mpsc::Sender<Sight>>,
) -> (mpsc::Sender<Sight>, watch::Receiver<u32>, JoinHandle<Vec<Frame>>) {
    let (sender, mut receiver) = mpsc::channel::<Sight>(QUEUE);
    let (counted, connected) = watch::channel(0);
    let kept = tokio::task::spawn_blocking(move || {
        let mut frames = Vec::new();
        while let Some(sight) = receiver.blocking_recv() {
            match &sight.seen {
                Seen::Connected { .. } => counted.send_modify(|count| *count += 1),
                Seen::Bid { event, accepted_at, .. } => {
                    frames.push(Frame { at: sight.at, event: *event, accepted_at: *accepted_at });
                }
                _ => {}
            }
            if let Some(record) = &record {
                // The record says itself when it cannot be written.
                let _ = record.blocking_send(sight);
            }
        }
        frames
    });
    (sender, connected, kept)
}

/// Keeps the bids, and passes them on.
pub(super) fn listen(record: Option<mpsc::Sender<Request>>) -> (mpsc::Sender<Request>, JoinHandle<Vec<Request>>) {
    let (sender, mut receiver) = mpsc::channel::<Request>(QUEUE);
    let kept = tokio::spawn(async move {
        let mut requests = Vec::new();
        while let Some(request) = receiver.recv().await {
            if let Some(record) = &record {
                let _ = record.send(request.clone()).await;
            }
            requests.push(request);
        }
        requests
    });
    (sender, kept)
}
