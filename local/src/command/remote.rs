//! The commands for a system that runs in another terminal.

use anyhow::{Result, bail};

use super::say;
use crate::control::{self, Action, Answer, Request, RunLock};

pub(super) async fn status() -> Result<()> {
    match control::ask(&Request { action: Action::Status, server: None }).await? {
        Answer::Status(rows) => rows.iter().for_each(|row| {
            let pid = row.pid.map_or("-".to_owned(), |pid| pid.to_string());
            say(format!("{:23} {:28} {pid:>8}  {}", row.server, row.status, row.url));
        }),
        Answer::Done(words) => say(words),
        Answer::Error(words) => bail!(words),
    }
    Ok(())
}

pub(super) async fn act(action: Action, server: &str) -> Result<()> {
    tell(&Request { action, server: Some(server.to_owned()) }).await
}

/// Returns when the supervisor has ended, so that the next `local run` finds the place free.
pub(super) async fn stop_all() -> Result<()> {
    tell(&Request { action: Action::Stop, server: None }).await?;
    RunLock::wait_until_free().await
}

async fn tell(request: &Request) -> Result<()> {
    match control::ask(request).await? {
        Answer::Error(words) => bail!(words),
        Answer::Done(words) => say(words),
        Answer::Status(_) => bail!("an answer to another question"),
    }
    Ok(())
}
