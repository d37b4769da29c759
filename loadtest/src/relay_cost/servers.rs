//! The servers that are compared, and how each is started.

mod floor;
mod nats;
mod nchan;
mod ours;
mod scripts;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use auction::event::BidPlaced;
use auction::{Amount, AuctionEvent, Happening, ItemId, Position, Timestamp, UserId};
use local::{Name, Settings, System};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::floor::Way;
pub use self::floor::{FloorArguments, run as run_floor};
use super::door::Door;
use super::install::Peers;
use super::process::Process;
use super::publisher::Publisher;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// The relay, with Redis and NATS
    Ours,
    /// `send()` on all sockets, by one thread
    Floor1,
    /// The same by two threads, each with half of the sockets
    Floor2,
    /// nginx with nchan
    Nchan,
    /// The WebSocket of nats-server
    Nats,
    /// uWebSockets, from Python
    Socketify,
    /// uWebSockets, in bun
    Bun,
    /// `ws`, on Node.js
    Ws,
    /// The relay, whose viewers ask for permessage-deflate
    OursCompressed,
    /// One thread that writes through tungstenite for each viewer
    Tungstenite,
    /// One thread that writes past tungstenite, which is there to read
    PastTungstenite,
}

impl Kind {
    /// What is compared where nothing else is asked for. The others answer questions about the relay itself.
    pub(super) const COMPARED: [Self; 8] =
        [Self::Ours, Self::Floor1, Self::Floor2, Self::Nchan, Self::Nats, Self::Socketify, Self::Bun, Self::Ws];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Floor1 => "floor, 1 thread",
            Self::Floor2 => "floor, 2 threads",
            Self::Nchan => "nchan",
            Self::Nats => "NATS WebSocket",
            Self::Socketify => "uWebSockets (socketify)",
            Self::Bun => "uWebSockets (bun)",
            Self::Ws => "ws",
            Self::OursCompressed => "ours, compressed",
            Self::Tungstenite => "through tungstenite",
            Self::PastTungstenite => "past tungstenite",
        }
    }

    pub(super) fn is_floor(self) -> bool {
        matches!(self, Self::Floor1 | Self::Floor2)
    }

    pub(super) fn is_peer(self) -> bool {
        matches!(self, Self::Nchan | Self::Nats | Self::Socketify | Self::Bun | Self::Ws)
    }
}

/// A server that answers.
pub(super) struct Server {
    pub(super) door: Door,
    pub(super) publisher: Publisher,
    /// Of each message, as its viewers get it.
    pub(super) message_bytes: usize,
    processes: Processes,
}

enum Processes {
    /// The relay is measured, NATS apart.
    Ours(Box<System>),
    Alone {
        process: Process,
        /// Holds its port and its folder.
        _place: Box<Settings>,
    },
}

impl Server {
    /// Starts one that has served nobody.
    pub(super) async fn start(kind: Kind, peers: &Peers) -> Result<Self> {
        match kind {
            Kind::Ours => ours::start(false).await,
            Kind::OursCompressed => ours::start(true).await,
            Kind::Floor1 => floor::start(1, Way::Sockets),
            Kind::Floor2 => floor::start(2, Way::Sockets),
            Kind::Tungstenite => floor::start(1, Way::Through),
            Kind::PastTungstenite => floor::start(1, Way::Past),
            Kind::Nchan => nchan::start(peers.nchan()?),
            Kind::Nats => nats::start(peers.nats()?),
            Kind::Socketify | Kind::Bun | Kind::Ws => scripts::start(peers.script(kind)?),
        }
    }

    /// Those that write to viewers.
    pub(super) fn pids(&self) -> Vec<u32> {
        match &self.processes {
            Processes::Ours(system) => system.server("bidding-broadcast").pid().into_iter().collect(),
            Processes::Alone { process, .. } => process.pids(),
        }
    }

    pub(super) fn is_ours(&self) -> bool {
        matches!(self.processes, Processes::Ours(_))
    }

    /// To end it, and to start it again at the same place.
    pub(super) fn relay(&self) -> Result<&local::Server> {
        match &self.processes {
            Processes::Ours(system) => system.find("bidding-broadcast"),
            Processes::Alone { .. } => bail!("it is not ours"),
        }
    }

    /// What brings the messages to it, if that is another process.
    pub(super) fn messenger_pids(&self) -> Vec<u32> {
        match &self.processes {
            Processes::Ours(system) => system.server("bidding-nats").pid().into_iter().collect(),
            Processes::Alone { .. } => Vec::new(),
        }
    }

    pub(super) async fn stop(self) -> Result<()> {
        match self.processes {
            Processes::Ours(system) => system.stop().await,
            Processes::Alone { mut process, .. } => process.stop(),
        }
    }
}

/// For a server to answer.
const START_DEADLINE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);

/// A place for a server: free ports, and a folder that goes with it.
fn place() -> Result<Box<Settings>> {
    let settings = Settings::temporary(&[Name::Broadcast])?;
    std::fs::create_dir_all(&settings.folder)?;
    Ok(Box::new(settings))
}

/// Returns when the server answers at these addresses.
fn launch(command: &Command, folder: &Path, addresses: &[SocketAddr]) -> Result<Process> {
    let log = folder.join("log");
    let mut process = Process::start(command, &log)?;
    let begun_at = Instant::now();
    for address in addresses {
        while let Err(error) = std::net::TcpStream::connect(address) {
            let is_late = begun_at.elapsed() > START_DEADLINE;
            let alive = process.ensure_running().and_then(|()| if is_late { Err(error.into()) } else { Ok(()) });
            alive.with_context(|| std::fs::read_to_string(&log).unwrap_or_default())?;
            std::thread::sleep(POLL);
        }
    }
    Ok(process)
}

/// What the peers publish: an event as ours are.
fn message() -> Result<String> {
    let amount = |minor_units| Amount::from_minor_units(minor_units).context("a small amount");
    let bid = BidPlaced {
        bid_id: Uuid::from_u128(1),
        user_id: UserId::parse("bidder")?,
        amount: amount(1_000_002)?,
        previous_bid: amount(1_000_001)?,
    };
    let event = AuctionEvent {
        event_id: Uuid::from_u128(2),
        item_id: ItemId::parse(ITEM)?,
        position: Position { epoch: 1, seq: 100 },
        timestamp: Timestamp::from_microseconds(1_795_000_000_000_123).context("a time")?,
        happening: Happening::Bid(bid),
    };
    Ok(event.to_json())
}

/// What all watch.
const ITEM: &str = "relay_cost";
