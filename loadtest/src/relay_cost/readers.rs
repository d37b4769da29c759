//! The threads that read for all viewers, the same for every server. They note when messages came, and nothing else.

mod reading;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::event::{EventfdFlags, eventfd};

use self::reading::Reading;
use super::door::Viewer;

/// Commands that wait for a thread: one at a time.
const COMMANDS_MAX: usize = 4;
/// A thread that does not answer by then is stuck.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

enum Command {
    /// From now on, so many messages count for each viewer. The answer is an empty tally.
    Expect(u32),
    /// Tell what came so far, if it was not told yet.
    Report,
    Stop,
}

/// Some messages of one viewer, which one read brought.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) at: Instant,
    pub(super) messages: u32,
}

/// What one thread saw since it was told what to expect.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) arrivals: Vec<Arrival>,
    /// That were read meanwhile, with all that is around the messages.
    pub(super) bytes: u64,
    /// Messages beyond the expected ones.
    pub(super) unexpected: u64,
    /// Viewers that have been closed since the beginning.
    pub(super) closed: usize,
}

pub(super) struct Readers {
    readers: Vec<Reader>,
}

struct Reader {
    commands: SyncSender<Command>,
    /// Wakes the thread for a command.
    bell: Arc<OwnedFd>,
    tallies: Receiver<Tally>,
    thread: JoinHandle<Result<()>>,
}

impl Readers {
    pub(super) fn start(viewers: Vec<Viewer>, threads: usize) -> Result<Self> {
        let mut shares: Vec<Vec<Viewer>> = (0..threads).map(|_| Vec::new()).collect();
        for (number, viewer) in viewers.into_iter().enumerate() {
            shares[number % threads].push(viewer);
        }
        let readers = shares.into_iter().map(Reader::start).collect::<Result<_>>()?;
        Ok(Self { readers })
    }

    /// Returns when all threads know.
    pub(super) fn expect(&self, messages: u32) -> Result<()> {
        for reader in &self.readers {
            reader.tell(Command::Expect(messages))?;
        }
        for reader in &self.readers {
            reader.answer(ANSWER_DEADLINE)?;
        }
        Ok(())
    }

    /// What came, as soon as all of it has come, at the latest after the deadline.
    pub(super) fn tallies(&self, deadline: Duration) -> Result<Vec<Tally>> {
        let ends = Instant::now() + deadline;
        let tally = |reader: &Reader| match reader.tallies.recv_timeout(ends.saturating_duration_since(Instant::now()))
        {
            Ok(tally) => Ok(tally),
            Err(RecvTimeoutError::Timeout) => {
                reader.tell(Command::Report)?;
                reader.answer(ANSWER_DEADLINE)
            }
            Err(RecvTimeoutError::Disconnected) => bail!("a reader has ended"),
        };
        self.readers.iter().map(tally).collect()
    }

    /// Hangs up for all viewers.
    pub(super) fn stop(self) -> Result<()> {
        for reader in &self.readers {
            reader.tell(Command::Stop)?;
        }
        for reader in self.readers {
            reader.thread.join().map_err(|_| anyhow!("a reader panicked"))??;
        }
        Ok(())
    }
}

impl Reader {
    fn start(viewers: Vec<Viewer>) -> Result<Self> {
        let (commands, orders) = sync_channel(COMMANDS_MAX);
        let (reports, tallies) = sync_channel(COMMANDS_MAX);
        let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let reading = Reading::new(viewers, Arc::clone(&bell), orders, reports)?;
        let thread = thread::Builder::new().name("reader".to_owned()).spawn(move || reading.run())?;
        Ok(Self { commands, bell, tallies, thread })
    }

    fn tell(&self, command: Command) -> Result<()> {
        self.commands.send(command).ok().context("a reader has ended")?;
        rustix::io::write(&*self.bell, &1_u64.to_ne_bytes())?;
        Ok(())
    }

    fn answer(&self, deadline: Duration) -> Result<Tally> {
        self.tallies.recv_timeout(deadline).context("a reader does not answer")
    }
}
