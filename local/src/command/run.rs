//! `local run`: the supervisor.

use std::sync::Arc;

use anyhow::{Result, bail};

use super::interrupts::Interrupts;
use super::{say, welcome};
use crate::control::{Answer, Control, RunLock};
use crate::name::Name;
use crate::server::Crash;
use crate::settings::{Api, Settings};
use crate::system::System;

pub(super) async fn run(api: Api, only: Vec<Name>) -> Result<()> {
    let mut settings = Settings::from_env()?;
    settings.api = api;
    settings.servers.retain(|name| only.is_empty() || only.contains(name));
    let _lock = RunLock::take()?;
    let mut interrupts = Interrupts::new()?;
    let names: Vec<_> = settings.servers.iter().map(|name| name.as_str()).collect();
    say(format!("starting {}", names.join(", ")));
    let system = tokio::select! {
        system = System::start(settings) => Arc::new(system?),
        // Dropping the start ends what has been started.
        () = interrupts.next() => bail!("interrupted while starting; nothing is left running"),
    };
    let mut control = Control::open(Arc::clone(&system))?;
    welcome::print(&system);
    let stop_request = loop {
        tokio::select! {
            () = interrupts.next() => break None,
            request = control.stop_requested() => break Some(request),
            crash = system.crash() => report(&crash),
        }
    };
    say("stopping");
    let stopped = tokio::select! {
        stopped = system.stop() => stopped,
        () = interrupts.next() => system.abort().await,
    };
    if let Some(request) = stop_request {
        request.answer(match &stopped {
            Ok(()) => Answer::Done("stopped".to_owned()),
            Err(error) => Answer::Error(format!("{error:#}")),
        });
    }
    control.close().await;
    stopped
}

fn report(crash: &Crash) {
    let Crash { server, exit, log_tail } = crash;
    say(format!("{server} crashed ({exit}); the end of its log:\n{log_tail}`local start {server}` starts it again"));
}
