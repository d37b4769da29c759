//! One trial, bid by bid.

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::arm::Arm;
use crate::class::Class;
use crate::record::{Outcome, Request};

pub(super) struct Run {
    pub(super) arm: Arm,
    pub(super) pair: u32,
    pub(super) requests: Vec<Bid>,
}

/// What counts of a request. Times are in microseconds.
#[derive(Clone, Debug)]
pub(super) struct Bid {
    /// Since the first was due.
    pub(super) due: u64,
    /// From when it was due.
    pub(super) latency: u64,
    /// From when it was sent. An answer is one packet, so this is the time to its first byte, too.
    pub(super) first_byte: u64,
    pub(super) class: Class,
    /// None: no sandbox says that it has answered.
    pub(super) is_cold: Option<bool>,
    pub(super) sandbox: Option<String>,
    /// How many bids were accepted between what its bidder knew and its verdict.
    pub(super) staleness: Option<u64>,
}

const QUEUE: usize = 16_384;

/// Keeps what counts of each request, and passes it on.
pub(super) fn tap(record: Option<mpsc::Sender<Request>>) -> (mpsc::Sender<Request>, JoinHandle<Vec<Bid>>) {
    let (sender, mut receiver) = mpsc::channel::<Request>(QUEUE);
    let kept = tokio::task::spawn_blocking(move || {
        let mut bids = Vec::new();
        while let Some(request) = receiver.blocking_recv() {
            bids.push(bid(&request));
            if let Some(record) = &record {
                // The record says itself when it cannot be written.
                let _ = record.blocking_send(request);
            }
        }
        let first = bids.iter().map(|bid| bid.due).min().unwrap_or_default();
        bids.iter_mut().for_each(|bid| bid.due -= first);
        bids.sort_by_key(|bid| bid.due);
        bids
    });
    (sender, kept)
}

fn bid(request: &Request) -> Bid {
    let judged_after = match request.outcome {
        Outcome::Accepted { position, replayed: false, .. } => Some(position.seq.saturating_sub(1)),
        Outcome::Refused { position, .. } => Some(position.seq),
        _ => None,
    };
    let known = request.known.map(|known| known.seq);
    Bid {
        due: request.due,
        latency: request.latency(),
        first_byte: request.answered - request.sent,
        class: Class::of(request),
        is_cold: request.sandbox.as_ref().map(|sandbox| sandbox.is_cold),
        sandbox: request.sandbox.as_ref().map(|sandbox| sandbox.id.clone()),
        staleness: judged_after.zip(known).map(|(judged, known)| judged.saturating_sub(known)),
    }
}
