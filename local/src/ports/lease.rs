//! Free ports for tests. Ports come from below the range that the kernel gives to outgoing connections, or a connection
//! could take a server's port while the server is down; and each is locked, so that two test processes never share one.

use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;

const FIRST: u16 = 20_000;
const LAST: u16 = 32_000;
const TRIES: u64 = 500;

/// A port that no other holder of a lease uses, for as long as this value, or the process, lives.
#[derive(Debug)]
pub(crate) struct Lease {
    port: u16,
    _lock: File,
}

impl Lease {
    pub(crate) fn take() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("bidding-ports-{}", geteuid().as_raw()));
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let random = RandomState::new();
        for attempt in 0..TRIES {
            let offset = random.hash_one(attempt) % u64::from(LAST - FIRST);
            let port = FIRST + u16::try_from(offset)?;
            let lock = File::create(folder.join(port.to_string()))?;
            if lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(Self { port, _lock: lock });
            }
        }
        bail!("no free port between {FIRST} and {LAST} after {TRIES} tries")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}
