//! What a run leaves as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::servers::Kind;
use super::summary::{Bar, Row};

#[derive(Debug, Serialize)]
pub(super) struct Run {
    pub(super) revision: String,
    pub(super) machine: String,
    pub(super) command: String,
    /// Processes that wanted a core, over the last minute, when it began and when it ended.
    pub(super) load_average: [f64; 2],
    pub(super) parameters: Parameters,
    pub(super) versions: BTreeMap<Kind, String>,
    /// Peers that could not be installed, with the reasons.
    pub(super) missing: BTreeMap<Kind, String>,
    /// Why the run proves nothing; empty if it is valid.
    pub(super) invalid_because: Vec<String>,
    pub(super) bars: Vec<Bar>,
    pub(super) rows: Vec<Row>,
    pub(super) rounds: Vec<Round>,
    pub(super) faults: Vec<Fault>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Parameters {
    pub(super) servers: Vec<Kind>,
    pub(super) viewers: Vec<usize>,
    pub(super) rounds: u32,
    /// Threads that read for the viewers.
    pub(super) readers: usize,
    /// Single messages in each round.
    pub(super) messages: u32,
    /// Bursts in each round.
    pub(super) bursts: u32,
    /// Messages in a burst.
    pub(super) burst: u32,
}

/// One server, once started.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Round {
    pub(super) server: Kind,
    pub(super) viewers: usize,
    pub(super) round: u32,
    pub(super) message_bytes: usize,
    pub(super) idle_viewer_bytes: f64,
    pub(super) single: Phase,
    pub(super) burst: Phase,
    /// Viewers that the server closed.
    pub(super) closed: usize,
}

/// Single messages, or bursts.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Phase {
    /// The time to the last viewer of each publication, in microseconds. Of one that lost something, to the last that came.
    pub(super) last_us: Vec<u64>,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    /// Of the server.
    pub(super) cpu_us_per_delivery: f64,
    /// Of NATS before it.
    pub(super) messenger_cpu_us_per_delivery: f64,
    /// What a message and all that is around it take on the way to a viewer.
    pub(super) bytes_per_delivery: f64,
    pub(super) expected: u64,
    pub(super) received: u64,
    /// More than was published, or something else.
    pub(super) unexpected: u64,
    /// Publications that were repeated because somebody had a message before it was published: the relay had found it in
    /// Redis.
    pub(super) repeated: u32,
}

/// A round that ended without figures.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    pub(super) server: Kind,
    pub(super) viewers: usize,
    pub(super) round: u32,
    pub(super) error: String,
}
