//! The viewers beside those that are measured: none, honest ones, or as many that stall and that are hostile.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rustix::net::sockopt::set_socket_recv_buffer_size;
use serde::Serialize;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::hostile::{Attacks, attack};
use crate::relay_cost::door::{self, Door};
use crate::relay_cost::readers::Readers;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Manners {
    /// Nobody is there.
    Absent,
    /// They read what they get.
    Good,
    /// Half of them stall, half are hostile.
    Bad,
}

impl Manners {
    pub(super) const ALL: [Self; 3] = [Self::Absent, Self::Good, Self::Bad];
}

/// Dropping it ends what is bad.
pub(super) enum Crew {
    Absent,
    Good(Readers),
    Bad { attacks: Arc<Attacks>, _tasks: JoinSet<Infallible> },
}

/// A viewer that stalls takes part for so long, which is longer than the relay lets it, and comes again.
const STALL: Duration = Duration::from_secs(15);
/// Before somebody who cannot come in tries again.
const RETRY: Duration = Duration::from_millis(500);
/// What a viewer's kernel takes while the viewer reads nothing, which the kernel doubles.
const RECEIVE_BUFFER_BYTES: usize = 2048;

impl Crew {
    pub(super) fn enter(manners: Manners, door: &Door, viewers: usize) -> Result<Self> {
        Ok(match manners {
            Manners::Absent => Self::Absent,
            Manners::Good => Self::Good(Readers::start(door::enter(door, viewers)?, 1)?),
            Manners::Bad => Self::bad(&Arc::new(door.clone()), viewers),
        })
    }

    fn bad(door: &Arc<Door>, viewers: usize) -> Self {
        let (mut tasks, attacks) = (JoinSet::new(), Arc::new(Attacks::default()));
        for number in 0..viewers {
            match number % 2 {
                0 => tasks.spawn(stall(Arc::clone(door))),
                _ => tasks.spawn(attack(Arc::clone(door), number / 2, Arc::clone(&attacks))),
            };
        }
        Self::Bad { attacks, _tasks: tasks }
    }

    pub(super) fn attacks(&self) -> Arc<Attacks> {
        match self {
            Self::Absent | Self::Good(_) => Arc::default(),
            Self::Bad { attacks, .. } => Arc::clone(attacks),
        }
    }

    pub(super) fn leave(self) -> Result<()> {
        match self {
            Self::Good(readers) => readers.stop(),
            Self::Absent | Self::Bad { .. } => Ok(()),
        }
    }
}

async fn stall(door: Arc<Door>) -> Infallible {
    loop {
        match take_nothing(&door).await {
            // It hangs up.
            Ok(stream) => drop(stream),
            Err(_) => sleep(RETRY).await,
        }
    }
}

async fn take_nothing(door: &Door) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(door.address).await?;
    set_socket_recv_buffer_size(&stream, RECEIVE_BUFFER_BYTES)?;
    stream.set_zero_linger()?;
    stream.write_all(door.request().as_bytes()).await?;
    sleep(STALL).await;
    Ok(stream)
}
