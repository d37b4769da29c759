//! What a run leaves behind: all that the checker needs, in a folder of files with a JSON value in each line.
//!
//! | file | a line for each |
//! |---|---|
//! | `run.json` | (one value) what was run, when, and on what |
//! | `requests.jsonl` | request, written when its answer is there |
//! | `frames.jsonl` | thing that a viewer saw: that it connected, a frame, the end of its connection |
//! | `faults.jsonl` | fault, written when it is over |
//! | `samples.jsonl` | second, of the outbox |
//! | `events.jsonl`, `items.jsonl`, `quarantine.jsonl` | row of PostgreSQL after the drain |
//! | `standings.jsonl` | item as Redis has it after the drain |
//!
//! Times are microseconds since the run began; amounts are whole minor units.

mod final_state;
mod lines;
mod request;

use std::path::{Path, PathBuf};

use auction::Position;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::final_state::{ArchivedEvent, BidRow, ItemStanding, QuarantineRow, RedisStanding};
pub use self::lines::{Lines, Writer, lines};
pub use self::request::{Expected, Known, Look, Outcome, Request, Sandbox, Sent};

/// All that a run and its checker write.
const FILES: [&str; 11] = [
    "run.json",
    "requests.jsonl",
    "frames.jsonl",
    "faults.jsonl",
    "samples.jsonl",
    "events.jsonl",
    "items.jsonl",
    "quarantine.jsonl",
    "standings.jsonl",
    "verdict.json",
    "report.html",
];

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Nothing stays of a run that was recorded here before.
    pub fn create_empty(path: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let folder = Self::open(path);
        for file in FILES {
            match std::fs::remove_file(folder.file(file)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(folder)
    }

    pub fn open(path: &Path) -> Self {
        Self(path.to_path_buf())
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// With all that is in it.
    pub fn remove(&self) -> std::io::Result<()> {
        std::fs::remove_dir_all(&self.0)
    }
}

impl std::fmt::Display for Folder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.display().fmt(f)
    }
}

/// What bodies and frames are compared by.
pub fn crc(bytes: &[u8]) -> u32 {
    const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);
    CRC.checksum(bytes)
}

/// What was run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    pub seed: u64,
    /// The command that runs it again.
    pub command: String,
    pub revision: String,
    pub machine: String,
    /// Microseconds since 1970, by the clock that Redis reads too.
    pub started_at: u64,
    /// How long there was load, in microseconds.
    pub load_us: u64,
    /// How long after the last repair the outbox was empty.
    pub drain_us: Option<u64>,
    /// Events that came to PostgreSQL from the outbox, and not by NATS or the queue.
    pub reconciled: Option<u64>,
    /// Requests that were due and not sent, because too many waited for their answers.
    pub unsent: u64,
    pub items: u32,
    pub viewers: u32,
    /// Lines of `requests.jsonl` and `frames.jsonl`: a record that is not whole proves nothing.
    pub requests: u64,
    pub sights: u64,
}

/// What a viewer saw.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sight {
    pub at: u64,
    pub viewer: u32,
    pub item: String,
    pub seen: Seen,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// The first frame. `asked`: the position that the viewer named when it came back. `since`: that which the relay
    /// repeated; what follows comes after it, and not after the one of the frame.
    Connected {
        #[serde(flatten)]
        snapshot: Snapshot,
        asked: Option<Position>,
        since: Option<Position>,
    },
    Bid {
        position: Position,
        event: Uuid,
        /// When it was accepted, by the clock of Redis: microseconds since 1970.
        accepted_at: u64,
        /// Of the whole frame.
        crc: u32,
    },
    State {
        #[serde(flatten)]
        snapshot: Snapshot,
        reason: String,
    },
    Stale,
    Live,
    Ended(String),
}

/// Where a frame says that the item stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub position: Position,
    pub price: u64,
    pub leader: Option<String>,
}

/// A fault, from its first effect until its repair.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FaultRecord {
    pub fault: String,
    pub from: u64,
    pub until: u64,
    /// Until bids were judged again, if they may fail because of it.
    pub bids_fail_until: Option<u64>,
    /// What Redis accepted in this time it may have lost.
    pub loses: Option<Loss>,
    /// What it did, in words, where that is not certain.
    pub effect: String,
}

/// From when Redis had everything on its disk, until it was gone.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Loss {
    pub since: u64,
    pub until: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sample {
    pub at: u64,
    /// None: nobody tells.
    pub outbox: Option<u64>,
    pub outbox_age_s: Option<u64>,
}
