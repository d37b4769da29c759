//! `local run`: the supervisor.

use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use tokio_util::sync::CancellationToken;

use super::interrupts::Interrupts;
use super::{say, welcome};
use crate::control::{Answer, Control, RunLock};
use crate::name::Name;
use crate::queue;
use crate::server::Crash;
use crate::settings::{Api, Archive, Settings};
use crate::system::System;

pub(super) async fn run(api: Api, archive: Archive, only: Vec<Name>) -> Result<()> {
    let mut settings = Settings::from_env()?;
    settings.api = api;
    if archive == Archive::Sqs {
        ensure!(
            api != Api::Api,
            "the queue's messages are for a function: with --archive sqs take --api lambda or watch"
        );
        settings.archive_by_sqs();
    }
    settings.servers.retain(|name| only.is_empty() || only.contains(name));
    let _lock = RunLock::take()?;
    let mut interrupts = Interrupts::new()?;
    let (root, addresses) = (settings.root.clone(), settings.addresses.clone());
    let names: Vec<_> = settings.servers.iter().map(|name| name.as_str()).collect();
    say(format!("starting {}", names.join(", ")));
    let system = tokio::select! {
        system = System::start(settings) => Arc::new(system?),
        // Dropping the start ends what has been started.
        () = interrupts.next() => bail!("interrupted while starting; nothing is left running"),
    };
    let mut control = Control::open(Arc::clone(&system))?;
    welcome::print(&system);
    let watched_queues = CancellationToken::new();
    let watching = watched_queues.clone().drop_guard();
    if (api, archive) == (Api::Watch, Archive::Sqs) {
        tokio::spawn(async move {
            if let Err(error) = queue::serve_watch(&root, &addresses, watched_queues).await {
                say(format!("nothing carries the queue's messages to its function: {error:#}"));
            }
        });
    }
    let stop_request = loop {
        tokio::select! {
            () = interrupts.next() => break None,
            request = control.stop_requested() => break Some(request),
            crash = system.crash() => report(&crash),
        }
    };
    say("stopping");
    drop(watching);
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
