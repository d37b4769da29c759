//! One process of ours, from its start until its exit status is collected.

mod tree;

use std::ffi::OsStr;
use std::io;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tokio::sync::watch;

use self::tree::Descendant;

pub(crate) struct Process {
    pid: Pid,
    /// True once the exit status is collected and the kernel may give the pid to somebody else. Held while a signal is
    /// sent, so that a signal never reaches a stranger.
    collected: Arc<Mutex<bool>>,
    exit: watch::Receiver<Option<ExitStatus>>,
}

/// How long a killed process may need to disappear: it is only the kernel's work.
const DEATH_DEADLINE: Duration = Duration::from_secs(10);
/// How long a thread may need to stand still: as long as its longest wait for a disk.
const STOP_DEADLINE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(2);

impl Process {
    /// Starts the command. The thread that starts it waits for its end: the kernel sends the "parent died" signal
    /// (`setpriv --pdeathsig`) when the starting *thread* ends, so that thread has to live as long as the child.
    ///
    /// Does not await, so that a caller that is cancelled cannot lose the process.
    pub(crate) fn spawn(mut command: Command, on_exit: impl FnOnce() + Send + 'static) -> Result<Self> {
        let collected = Arc::new(Mutex::new(false));
        let collected_by_thread = Arc::clone(&collected);
        let (exit_sender, exit) = watch::channel(None);
        let (started_sender, started) = std::sync::mpsc::sync_channel(1);
        // Not the whole command: its environment holds passwords.
        let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        let program = format!("{} {}", command.get_program().display(), words.join(" "));
        let run = move || {
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(error) => return drop(started_sender.send(Err(error))),
            };
            let pid = Pid::from_child(&child);
            // The receiver waits for exactly this message.
            let _ = started_sender.send(Ok(pid));
            await_end(pid);
            let mut collected = lock(&collected_by_thread);
            let status = child.wait().unwrap_or_default();
            *collected = true;
            drop(collected);
            exit_sender.send_replace(Some(status));
            on_exit();
        };
        thread::Builder::new().name("process".to_owned()).spawn(run).context("no thread")?;
        let pid = started.recv().unwrap_or_else(|_| Err(io::Error::other("the starting thread ended")));
        let pid = pid.with_context(|| format!("cannot start {program}"))?;
        Ok(Self { pid, collected, exit })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_pid().unsigned_abs()
    }

    pub(crate) fn has_ended(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Sends the signal to this process alone; nothing happens when it has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        let collected = lock(&self.collected);
        if !*collected {
            // The only possible failure is that it is ending at this moment.
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Sends a politely ending signal, and after the deadline kills what is left, descendants included.
    pub(crate) async fn end(&self, signal: Signal, deadline: Duration) -> Result<()> {
        let descendants = tree::descendants(self.pid);
        // Paused, it would not hear the signal.
        self.resume();
        self.signal(signal);
        let mut exit = self.exit.clone();
        let _ = tokio::time::timeout(deadline, exit.wait_for(Option::is_some)).await;
        self.kill(descendants).await
    }

    /// SIGKILL for it and all its descendants; returns when none of them is left.
    pub(crate) async fn kill_all(&self) -> Result<()> {
        self.kill(Vec::new()).await
    }

    async fn kill(&self, mut known: Vec<Descendant>) -> Result<()> {
        // Stopped first, so that it starts no more of them meanwhile.
        self.signal(Signal::STOP);
        known.extend(tree::descendants(self.pid));
        self.signal(Signal::KILL);
        known.iter().for_each(|descendant| descendant.signal(Signal::KILL));
        let deadline = Instant::now() + DEATH_DEADLINE;
        while self.has_ended().is_none() || known.iter().any(Descendant::is_alive) {
            if Instant::now() > deadline {
                return Err(anyhow!("process {} does not end", self.pid()));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// For destructors, which cannot await: sends the signal, kills after the deadline, returns when it is gone.
    pub(crate) fn end_blocking(&self, signal: Signal, patience: Duration) {
        let descendants = tree::descendants(self.pid);
        self.signal(signal);
        self.signal(Signal::CONT);
        descendants.iter().for_each(|descendant| descendant.signal(Signal::CONT));
        let started = Instant::now();
        while self.has_ended().is_none() || descendants.iter().any(Descendant::is_alive) {
            if started.elapsed() > patience {
                self.signal(Signal::KILL);
                descendants.iter().for_each(|descendant| descendant.signal(Signal::KILL));
            }
            if started.elapsed() > patience + DEATH_DEADLINE {
                return;
            }
            thread::sleep(POLL);
        }
    }

    /// SIGSTOP for it and all its descendants; returns when they stand still. It comes first, so that it starts no more of
    /// them meanwhile.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
        await_stop(self.pid);
        let descendants = tree::descendants(self.pid);
        descendants.iter().for_each(|descendant| descendant.signal(Signal::STOP));
        descendants.iter().for_each(|descendant| await_stop(descendant.pid()));
    }

    pub(crate) fn resume(&self) {
        tree::descendants(self.pid).iter().for_each(|descendant| descendant.signal(Signal::CONT));
        self.signal(Signal::CONT);
    }
}

/// Waits until the process has ended but leaves it to be collected: until then its pid belongs to nobody else.
fn await_end(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while waitid(WaitId::Pid(pid), options).is_err_and(|error| error == Errno::INTR) {}
}

/// Blocks, but for microseconds: the threads only have to be told.
fn await_stop(pid: Pid) {
    let deadline = Instant::now() + STOP_DEADLINE;
    while !tree::is_stopped(pid) && Instant::now() < deadline {
        thread::sleep(Duration::from_micros(100));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
