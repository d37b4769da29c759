//! The viewers of one item.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::Utf8Bytes;
use uuid::Uuid;

use super::{Shared, Viewer};
use crate::closing::Closing;
use crate::metrics::Metrics;

pub(super) struct Viewers {
    by_id: HashMap<Uuid, Seat>,
    /// Gets their number, for whoever asks.
    shared: Arc<Shared>,
    metrics: Arc<Metrics>,
}

struct Seat {
    viewer: Viewer,
    joined_at: Instant,
}

impl Viewers {
    pub(super) fn new(shared: Arc<Shared>, metrics: Arc<Metrics>) -> Self {
        Self { by_id: HashMap::new(), shared, metrics }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(super) fn join(&mut self, viewer: Viewer, joined_at: Instant) {
        self.by_id.insert(viewer.id, Seat { viewer, joined_at });
    }

    pub(super) fn leave(&mut self, id: Uuid) {
        self.by_id.remove(&id);
    }

    /// Whether everyone's queue has room for so many frames.
    pub(super) fn have_room_for(&self, frames: usize) -> bool {
        self.by_id.values().all(|seat| seat.viewer.queue.capacity() >= frames)
    }

    /// Shows one frame to everyone.
    pub(super) fn show(&mut self, frame: &Utf8Bytes) {
        let metrics = &self.metrics;
        let too_slow = self.by_id.extract_if(|_, seat| seat.viewer.queue.try_send(frame.clone()).is_err());
        for (_, Seat { viewer, .. }) in too_slow {
            // Gone already: nobody is slow, and nobody needs to be told.
            if !viewer.queue.is_closed() {
                metrics.slow_viewers_closed.inc();
                viewer.close(Closing::TooSlow);
            }
        }
    }

    /// Everyone, to be joined again.
    pub(super) fn take_all(&mut self) -> Vec<Viewer> {
        self.by_id.drain().map(|(_, seat)| seat.viewer).collect()
    }

    pub(super) fn close_waiting(&mut self, patience: Duration, now: Instant) {
        let impatient = self.by_id.extract_if(|_, seat| now.saturating_duration_since(seat.joined_at) >= patience);
        impatient.for_each(|(_, seat)| seat.viewer.close(Closing::Unavailable));
    }

    pub(super) fn close_all(&mut self, why: Closing) {
        self.by_id.drain().for_each(|(_, seat)| seat.viewer.close(why));
    }

    /// `others`: who watches the item, too, and is not here yet.
    pub(super) fn publish_count(&self, others: usize) {
        self.shared.subscribers.store(self.by_id.len() + others, Ordering::Relaxed);
    }
}
