//! The process of a sandbox, from its start until its exit status is collected.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::state::describe;
use super::{Key, Pool};
use crate::lambda::invocation::End;
use crate::lambda::runtime_api;
use crate::lambda::sandbox::Handle;

/// A sandbox with an extension gets this long to end after SIGTERM, one without is killed at once: Lambda's shutdown
/// phase for internal extensions.
const EXTENSION_SHUTDOWN: Duration = Duration::from_millis(500);

/// For reading what an ended sandbox has sent: some turns of the event loop, which may be busy.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// What runs in a function's sandboxes.
#[derive(Clone, Debug)]
pub(in crate::lambda) struct Program {
    /// The function's name.
    pub(in crate::lambda) name: String,
    pub(in crate::lambda) path: PathBuf,
    pub(in crate::lambda) variables: Vec<(String, String)>,
    pub(in crate::lambda) memory_mib: u32,
    /// The process group that the watchdog ends.
    pub(in crate::lambda) group: i32,
}

impl Program {
    fn command(&self, sandbox: &str, endpoint: SocketAddr, concurrency: usize, is_provisioned: bool) -> Command {
        let mut command = std::process::Command::new(&self.path);
        let initialisation = if is_provisioned { "provisioned-concurrency" } else { "on-demand" };
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
            .env("AWS_LAMBDA_RUNTIME_API", endpoint.to_string())
            .env("AWS_LAMBDA_LOG_STREAM_NAME", sandbox)
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", initialisation);
        if concurrency > 1 {
            command.env("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.to_string());
        }
        command.stdin(Stdio::null()).process_group(self.group);
        let mut command = Command::from(command);
        command.kill_on_drop(true);
        command
    }
}

impl Pool {
    /// Runs a sandbox that was entered, on a task of its own.
    pub(super) fn run_sandbox(self: &Arc<Self>, key: Key) {
        let pool = Arc::clone(self);
        self.tasks.spawn(async move {
            let exit = pool.run_process(key).await;
            pool.sandbox_ended(key, exit);
        });
    }

    async fn run_process(self: &Arc<Self>, key: Key) -> Result<ExitStatus> {
        let entered = self
            .lock()
            .get_mut(key)
            .map(|sandbox| (Arc::clone(&sandbox.id), sandbox.is_provisioned, sandbox.end.clone()));
        let (id, is_provisioned, end) = entered.context("it was entered")?;
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for a sandbox")?;
        let endpoint = listener.local_addr()?;
        let mut command = self.program.command(&id, endpoint, self.limits.concurrency, is_provisioned);
        // What it asks for before this process knows of it waits in the listener.
        let started = Instant::now();
        // Blocks for as long as the kernel needs to make a process.
        let child = tokio::task::spawn_blocking(move || command.spawn()).await?;
        let mut child = child.with_context(|| format!("cannot start {}", self.program.path.display()))?;
        let pid = child.id().and_then(|pid| Pid::from_raw(pid.try_into().ok()?)).context("no pid")?;
        let descriptor = pidfd_open(pid, PidfdFlags::empty()).context("no descriptor for a process")?;
        self.lock().started(key, Handle { pid: pid.as_raw_pid().unsigned_abs(), descriptor }, started);
        let (mut api, closed) = (JoinSet::new(), CancellationToken::new());
        api.spawn(runtime_api::serve(listener, Arc::clone(self), key, closed.clone()));
        let exit = tokio::select! {
            exit = child.wait() => exit.context("the exit status is lost"),
            () = end.cancelled() => self.end_process(key, &mut child).await,
        };
        let ended = Instant::now();
        // What it sent before its end is in the sockets: an answer is an answer.
        while self.has_unanswered(key) && ended.elapsed() < LAST_WORDS {
            tokio::time::sleep(LAST_WORDS / 20).await;
        }
        closed.cancel();
        let _ = api.join_next().await;
        exit
    }

    fn has_unanswered(&self, key: Key) -> bool {
        self.lock().get_mut(key).is_some_and(|sandbox| !sandbox.running.is_empty())
    }

    async fn end_process(&self, key: Key, child: &mut Child) -> Result<ExitStatus> {
        let hears_of_it = self.lock().get_mut(key).is_some_and(|sandbox| sandbox.has_extension);
        if hears_of_it {
            if let Some(process) = self.lock().get_mut(key).and_then(|sandbox| sandbox.process.as_ref()) {
                process.signal(Signal::TERM);
                process.signal(Signal::CONT);
            }
            if let Ok(exit) = tokio::time::timeout(EXTENSION_SHUTDOWN, child.wait()).await {
                return exit.context("the exit status is lost");
            }
        }
        child.start_kill().context("cannot kill a sandbox")?;
        child.wait().await.context("the exit status is lost")
    }

    fn sandbox_ended(self: &Arc<Self>, key: Key, exit: Result<ExitStatus>) {
        let Some((mut sandbox, starts)) = self.lock().ended(key) else { return };
        starts.into_iter().for_each(|key| self.run_sandbox(key));
        let ended = describe(&sandbox);
        self.reports.ended(self, &ended, sandbox.end.is_cancelled(), exit);
        for (request_id, running) in std::mem::take(&mut sandbox.running) {
            self.reports.invoked(self, request_id, &running, &ended, &End::Crashed);
            running.end(End::Crashed, &ended.id);
        }
    }
}
