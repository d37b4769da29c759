//! What a server is doing, and the notice when it ends without being asked to.

use std::fmt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, bail};
use tokio::sync::mpsc;

use super::log;
use crate::name::Name;
use crate::process::Process;

/// What a server is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Stopped,
    Starting,
    Running,
    Paused,
    Stopping,
    /// It ended by itself.
    Crashed(ExitStatus),
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => formatter.write_str("stopped"),
            Self::Starting => formatter.write_str("starting"),
            Self::Running => formatter.write_str("running"),
            Self::Paused => formatter.write_str("paused"),
            Self::Stopping => formatter.write_str("stopping"),
            Self::Crashed(status) => write!(formatter, "crashed ({status})"),
        }
    }
}

/// The notice of a server that ended by itself.
#[derive(Clone, Debug)]
pub struct Crash {
    pub server: Name,
    pub exit: ExitStatus,
    /// The last lines of its log.
    pub log_tail: String,
}

pub(super) enum State {
    Stopped,
    Starting(Arc<Process>),
    Running(Arc<Process>),
    Paused(Arc<Process>),
    /// Being ended on purpose. Kept until it is gone: whoever ends it may be cancelled.
    Stopping(Arc<Process>),
    Crashed(ExitStatus),
}

impl State {
    fn process(&self) -> Option<&Arc<Process>> {
        match self {
            Self::Starting(process) | Self::Running(process) | Self::Paused(process) | Self::Stopping(process) => {
                Some(process)
            }
            Self::Stopped | Self::Crashed(_) => None,
        }
    }
}

pub(super) struct Shared {
    state: Mutex<State>,
    crashes: mpsc::Sender<Crash>,
}

impl Shared {
    pub(super) fn new(crashes: mpsc::Sender<Crash>) -> Self {
        Self { state: Mutex::new(State::Stopped), crashes }
    }

    pub(super) fn status(&self) -> Status {
        match &*self.lock() {
            State::Stopped => Status::Stopped,
            State::Crashed(exit) => Status::Crashed(*exit),
            State::Starting(_) => Status::Starting,
            State::Stopping(_) => Status::Stopping,
            State::Running(process) => process.has_ended().map_or(Status::Running, Status::Crashed),
            State::Paused(process) => process.has_ended().map_or(Status::Paused, Status::Crashed),
        }
    }

    /// The process, if it has not ended.
    pub(super) fn process(&self) -> Option<Arc<Process>> {
        self.lock().process().filter(|process| process.has_ended().is_none()).map(Arc::clone)
    }

    pub(super) fn starting(&self, process: Process) -> Arc<Process> {
        let process = Arc::new(process);
        *self.lock() = State::Starting(Arc::clone(&process));
        process
    }

    /// From now on its end is a crash. Fails if it has ended already.
    pub(super) fn answered(&self, name: Name) -> Result<()> {
        let mut state = self.lock();
        match &*state {
            State::Starting(process) if process.has_ended().is_none() => *state = State::Running(Arc::clone(process)),
            _ => bail!("{name} ended as soon as it answered"),
        }
        Ok(())
    }

    /// The process, to be ended on purpose: its end is no crash.
    pub(super) fn stopping(&self) -> Option<Arc<Process>> {
        let mut state = self.lock();
        let process = state.process().map(Arc::clone);
        *state = process.clone().map_or(State::Stopped, State::Stopping);
        process
    }

    pub(super) fn stopped(&self) {
        *self.lock() = State::Stopped;
    }

    pub(super) fn pause(&self, name: Name) -> Result<()> {
        let mut state = self.lock();
        let process = can_be_paused(&state, name)?;
        process.pause();
        *state = State::Paused(process);
        Ok(())
    }

    pub(super) fn resume(&self, name: Name) -> Result<()> {
        let mut state = self.lock();
        let process = can_be_paused(&state, name)?;
        process.resume();
        *state = State::Running(process);
        Ok(())
    }

    /// Called when a process has ended. Only the end of a process that is still entered here was not asked for.
    pub(super) fn notice_end(&self, server: Name, log_file: &Path) {
        let mut state = self.lock();
        let (State::Running(process) | State::Paused(process)) = &*state else { return };
        let Some(exit) = process.has_ended() else { return };
        *state = State::Crashed(exit);
        // A full or closed queue means that nobody reads the notices; the status says it all the same.
        let _ = self.crashes.try_send(Crash { server, exit, log_tail: log::tail(log_file, 0) });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn can_be_paused(state: &State, name: Name) -> Result<Arc<Process>> {
    match state {
        State::Running(process) | State::Paused(process) if process.has_ended().is_none() => Ok(Arc::clone(process)),
        _ => bail!("{name} is not running"),
    }
}
