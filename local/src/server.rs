//! One server: started, stopped, killed and paused by name, and watched while it runs.

mod log;
mod spec;
mod state;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use tokio::sync::mpsc;

pub(crate) use self::spec::{Account, Spec};
use self::state::Shared;
pub use self::state::{Crash, Status};
use crate::credentials::Role;
use crate::name::Name;
use crate::ports;
use crate::process::Process;
use crate::settings::Temporary;

/// A server politely asked to stop has this long.
const STOP_DEADLINE: Duration = Duration::from_secs(15);
/// A server that is dropped or aborted has this long before it is killed. Only PostgreSQL uses it, to give back its
/// shared memory.
const ABORT_DEADLINE: Duration = Duration::from_secs(2);
/// Between two questions whether it answers.
const PROBE_PAUSE: Duration = Duration::from_millis(5);

/// A server of the system. Dropping it ends its process.
pub struct Server {
    spec: Spec,
    state: Arc<Shared>,
    /// One start, stop or kill at a time.
    operation: tokio::sync::Mutex<()>,
    /// Declared last: the data folder goes after the process that uses it (`Drop` runs before any field is dropped).
    _temporary: Option<Arc<Temporary>>,
}

impl Server {
    pub(crate) fn new(spec: Spec, crashes: mpsc::Sender<Crash>, temporary: Option<Arc<Temporary>>) -> Self {
        let state = Arc::new(Shared::new(crashes));
        Self { spec, state, operation: tokio::sync::Mutex::default(), _temporary: temporary }
    }

    pub fn name(&self) -> Name {
        self.spec.name
    }

    /// Where clients find it: `redis://…`, `nats://…`, `postgres://…`, `http://…`, and `ws://…` for the relay. Redis and
    /// NATS with the operator's password.
    pub fn url(&self) -> String {
        self.login(Role::Operator).unwrap_or(&self.spec.url).to_owned()
    }

    /// The same with what one role may do there.
    ///
    /// # Panics
    /// If the role has no business with this server.
    pub fn url_of(&self, role: Role) -> String {
        let login = self.login(role);
        login.unwrap_or_else(|| panic!("{} does not know the role {}", self.name(), role.as_str())).to_owned()
    }

    /// The password of one role.
    ///
    /// # Panics
    /// If the role has no business with this server, or needs none.
    pub fn password_of(&self, role: Role) -> String {
        let url = self.url_of(role);
        let password = url.split_once('@').and_then(|(login, _)| login.rsplit_once(':'));
        password.unwrap_or_else(|| panic!("{} asks {} for no password", self.name(), role.as_str())).1.to_owned()
    }

    /// Where it listens: `127.0.0.1:6379`.
    pub fn address(&self) -> &str {
        let (_, rest) = self.spec.url.split_once("://").unwrap_or_default();
        let (place, _) = rest.split_once('/').unwrap_or((rest, ""));
        place.rsplit_once('@').map_or(place, |(_, address)| address)
    }

    /// Without a password, to be shown.
    pub fn public_url(&self) -> &str {
        &self.spec.url
    }

    fn login(&self, role: Role) -> Option<&str> {
        self.spec.logins.iter().find(|(known, _)| *known == role).map(|(_, url)| url.as_str())
    }

    /// The monitoring address of NATS; for the others the same as `url`.
    pub fn monitor_url(&self) -> String {
        self.spec.monitor_url.clone().unwrap_or_else(|| self.spec.url.clone())
    }

    pub fn log_file(&self) -> &std::path::Path {
        &self.spec.log
    }

    /// Where it runs. For Redis and NATS, the folder of its data.
    pub fn working_folder(&self) -> &std::path::Path {
        &self.spec.working_folder
    }

    pub fn pid(&self) -> Option<u32> {
        self.state.process().map(|process| process.pid())
    }

    pub fn status(&self) -> Status {
        self.state.status()
    }

    /// Starts it and returns when it answers. Data and address are those it had before.
    pub async fn start(&self) -> Result<()> {
        let _operation = self.operation.lock().await;
        match self.status() {
            Status::Running => return Ok(()),
            Status::Paused => bail!("{} is paused: resume it", self.name()),
            Status::Stopped | Status::Crashed(_) | Status::Starting | Status::Stopping => {}
        }
        // A start or stop that was cancelled may have left its process.
        self.end(Process::kill_all).await?;
        ports::check(&self.spec.listens)?;
        let (process, log_start) = self.spawn()?;
        let answered = self.await_answer(&process).await;
        if let Err(error) = answered.and_then(|()| self.state.answered(self.name())) {
            self.end(Process::kill_all).await?;
            let tail = log::tail(&self.spec.log, log_start);
            return Err(anyhow!("{error:#}; the end of {}:\n{tail}", self.spec.log.display()));
        }
        Ok(())
    }

    /// Asks it politely to end, and kills it after a deadline.
    pub async fn stop(&self) -> Result<()> {
        let _operation = self.operation.lock().await;
        self.end(async |process| process.end(self.spec.polite_end, STOP_DEADLINE).await).await
    }

    /// SIGKILL, for it and all its processes; returns when they are gone.
    pub async fn kill(&self) -> Result<()> {
        let _operation = self.operation.lock().await;
        self.end(Process::kill_all).await
    }

    /// Ends it in the quickest way that leaves nothing behind.
    pub(crate) async fn abort(&self) -> Result<()> {
        let _operation = self.operation.lock().await;
        self.end(async |process| process.end(self.spec.quick_end, ABORT_DEADLINE).await).await
    }

    /// SIGSTOP, for it and all its processes: it keeps its connections and answers nothing.
    pub fn pause(&self) -> Result<()> {
        self.state.pause(self.name())
    }

    pub fn resume(&self) -> Result<()> {
        self.state.resume(self.name())
    }

    /// Does not await between the start of the process and its entry in the state: `Drop` must find it.
    fn spawn(&self) -> Result<(Arc<Process>, u64)> {
        let log = log::open(&self.spec.log)?;
        let mut command = self.spec.command();
        command.stdout(log.file.try_clone()?).stderr(log.file);
        let (state, name, log_file) = (Arc::clone(&self.state), self.name(), self.spec.log.clone());
        let process = Process::spawn(command, move || state.notice_end(name, &log_file))?;
        Ok((self.state.starting(process), log.end))
    }

    async fn end(&self, end: impl AsyncFnOnce(&Process) -> Result<()>) -> Result<()> {
        if let Some(process) = self.state.stopping() {
            end(&process).await.with_context(|| format!("cannot end {}", self.name()))?;
        }
        self.state.stopped();
        Ok(())
    }

    async fn await_answer(&self, process: &Process) -> Result<()> {
        let deadline = Instant::now() + self.spec.start_deadline;
        loop {
            let answer = self.spec.probe.ask().await;
            if let Some(status) = process.has_ended() {
                bail!("{} ended before it answered ({status})", self.name());
            }
            match answer {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() > deadline => {
                    let seconds = self.spec.start_deadline.as_secs();
                    return Err(error).with_context(|| format!("{} did not answer within {seconds} s", self.name()));
                }
                Err(_) => tokio::time::sleep(PROBE_PAUSE).await,
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = self.state.stopping() {
            process.end_blocking(self.spec.quick_end, ABORT_DEADLINE);
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} at {}: {}", self.name(), self.spec.url, self.status())
    }
}
