//! What can go wrong.

use std::fmt;

use local::Name;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL; its data stays.
    Killed(Name),
    /// SIGSTOP: its connections stay open, and nobody answers.
    Frozen(Name),
    /// NATS is killed and its store deleted.
    StoreWiped,
    /// PostgreSQL restarts and takes no writes.
    ReadOnly,
    /// The relay does not reach the others. Silent: as if the cable were pulled; else connections break.
    Cut { from: Peer, silent: bool },
    /// The machine of Redis loses its power: what is not on the disk is gone.
    PowerLost,
    /// Every sandbox of `place-bid` is killed, whatever it is doing.
    SandboxesKilled,
    /// The same while NATS hangs, so that some are between the script and the end of their publishing.
    KilledWhilePublishing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Nats,
    Redis,
    Both,
}

impl Fault {
    /// Whether bids may fail because of it. All others must not be noticed by a bidder.
    pub fn fails_bids(self) -> bool {
        match self {
            Self::Killed(name) | Self::Frozen(name) => matches!(name, Name::Redis | Name::Api),
            Self::PowerLost | Self::SandboxesKilled | Self::KilledWhilePublishing => true,
            Self::StoreWiped | Self::ReadOnly | Self::Cut { .. } => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(name) => write!(f, "{name} killed"),
            Self::Frozen(name) => write!(f, "{name} frozen"),
            Self::StoreWiped => f.write_str("bidding-nats killed, store wiped"),
            Self::ReadOnly => f.write_str("bidding-postgres read-only"),
            Self::Cut { from, silent } => {
                let from = match from {
                    Peer::Nats => "NATS",
                    Peer::Redis => "Redis",
                    Peer::Both => "NATS and Redis",
                };
                write!(f, "bidding-broadcast cut from {from}{}", if *silent { ", silently" } else { "" })
            }
            Self::PowerLost => f.write_str("bidding-redis without power"),
            Self::SandboxesKilled => f.write_str("sandboxes killed"),
            Self::KilledWhilePublishing => f.write_str("sandboxes killed while publishing"),
        }
    }
}
