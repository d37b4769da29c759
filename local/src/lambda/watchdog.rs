//! Ends the sandboxes if this process dies in a way that leaves it no time to do so.
//!
//! `setpriv --pdeathsig`, which the servers are started with, would add a millisecond to every cold start. So all
//! sandboxes are in one process group, whose leader waits for the end of a pipe that this process holds: the kernel
//! closes it whatever happens. Frozen processes hear SIGKILL too.

use std::os::unix::process::CommandExt;
use std::process::Stdio;

use anyhow::{Context, Result};
use tokio::process::{Child, ChildStdin, Command};

pub(super) struct Watchdog {
    leader: Child,
    group: i32,
    _pipe: ChildStdin,
}

impl Watchdog {
    pub(super) fn start() -> Result<Self> {
        let mut command = std::process::Command::new("sh");
        // `read` returns at the end of the pipe. The group with number 0 is one's own.
        command.args(["-c", "read -r _; kill -s KILL 0"]).stdin(Stdio::piped()).process_group(0);
        let mut leader = Command::from(command).spawn().context("cannot start the watchdog `sh`")?;
        let group = i32::try_from(leader.id().context("the watchdog ended at once")?)?;
        // Taken out of the child: waiting for a child closes what it still holds.
        let pipe = leader.stdin.take().context("the watchdog has no pipe")?;
        Ok(Self { leader, group, _pipe: pipe })
    }

    /// For the sandboxes to be started in.
    pub(super) fn group(&self) -> i32 {
        self.group
    }

    /// Returns when it has ended. Then nothing would end the sandboxes any more.
    pub(super) async fn ended(&mut self) {
        let _ = self.leader.wait().await;
    }
}
