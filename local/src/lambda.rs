//! The functions of `infra/template.yaml` on this machine, as Lambda and an HTTP API run them.
//!
//! Every sandbox is a process of its own with its own Runtime API. It gets one event at a time, is frozen after its
//! answer, thawed for the next event, and ended when it has been idle for long, takes too long or is no longer needed.

mod config;
mod connections;
mod cors;
mod front;
mod hop_by_hop;
mod http_answer;
mod http_event;
mod invocation;
mod pool;
mod report;
mod router;
mod runtime_api;
mod sandbox;
mod schedule;
pub(crate) mod template;
mod variables;
mod watchdog;

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::Arc;

use anyhow::{Result, bail};
use bytes::Bytes;
use futures_util::future::join_all;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use self::config::Config;
use self::front::Front;
use self::invocation::End;
use self::pool::{Limits, Pool, Program};
use self::report::Reports;
use self::router::Router;
use self::template::{Function, Template};
use self::watchdog::Watchdog;
use crate::config::parameters;
use crate::programs;
use crate::queue::{Faults, Mapping, Target};
use crate::settings::Settings;

/// Serves the functions, or only some of them, until `shutdown` is cancelled; returns when no sandbox is left.
pub(crate) async fn run(only: &[String], shutdown: CancellationToken) -> Result<()> {
    let settings = Settings::from_env()?;
    let config = Config::from_env(&settings)?;
    let mut template = Template::read(&settings.root.join("infra/template.yaml"), &parameters()?)?;
    template.keep_only(only)?;
    let router = Router::new(&template.functions)?;
    let cors = template.cors.as_ref().map(cors::layer).transpose()?;
    let listener = connections::listen(settings.addresses.api)?;
    let mut watchdog = Watchdog::start()?;
    let reports = Arc::new(Reports::open(&config.reports)?);
    let start = |function: &Function| start_pool(function, &config, watchdog.group(), &reports);
    let pools = template.functions.iter().map(start).collect::<Result<Vec<_>>>()?;

    let schedules = TaskTracker::new();
    for (function, pool) in template.functions.iter().zip(&pools) {
        for schedule in function.schedules.iter().filter(|schedule| schedule.enabled) {
            schedules.spawn(schedule::keep(schedule.clone(), Arc::clone(pool), shutdown.clone()));
        }
    }
    let targets = pools.iter().map(|pool| Target::Sandboxes(Sandboxes(Arc::clone(pool))));
    for mapping in Mapping::of_all(&template, &config.sqs_url, targets)? {
        let mapping = mapping.with(Faults::new(config.queue_faults));
        mapping.prepare().await;
        schedules.spawn(mapping.keep(shutdown.clone()));
    }
    schedules.close();
    let routes = front::routes(Front { router, pools: pools.clone() }, cors);
    let served = tokio::select! {
        () = connections::serve(routes, listener, shutdown.clone()) => Ok(()),
        () = watchdog.ended() => lost_watchdog(),
    };
    shutdown.cancel();
    join_all(pools.iter().map(|pool| pool.stop())).await;
    schedules.wait().await;
    reports.flush();
    served
}

/// The sandboxes of one function, for whoever has events for it.
#[derive(Clone)]
pub(crate) struct Sandboxes(Arc<Pool>);

impl Sandboxes {
    /// The function's answer; an error if it failed.
    pub(crate) async fn invoke(&self, event: Bytes) -> Result<Bytes> {
        let id = Uuid::now_v7();
        let trace_id = http_event::trace_id(OffsetDateTime::now_utc(), id.as_u128());
        match self.0.invoke(id, event, trace_id).await.end {
            End::Answered(answer) => Ok(answer),
            end => bail!("{}: {}", self.0.name(), end.status()),
        }
    }
}

fn lost_watchdog() -> Result<()> {
    bail!("the watchdog ended: nothing would end the sandboxes any more")
}

/// Writes a line to the log. A full disk, or nobody who reads it, is no reason to stop.
pub(crate) fn tell(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

fn start_pool(function: &Function, config: &Config, group: i32, reports: &Arc<Reports>) -> Result<Arc<Pool>> {
    let path = programs::find(&function.binary)?;
    let variables = variables::of(function, &path)?;
    let memory_mib = function.memory_mib;
    let program = Program { name: function.binary.clone(), path, variables, memory_mib, group };
    let reserved = function.reserved_concurrency.map_or(usize::MAX, |reserved| reserved as usize);
    let in_template = function.provisioned_concurrency.unwrap_or_default() as usize;
    let limits = Limits {
        sandboxes_max: config.sandboxes_max.min(reserved),
        queue_max: config.queue_max,
        idle: config.idle,
        provisioned: config.provisioned.unwrap_or(in_template),
        concurrency: config.concurrency,
        freezes: config.freezes,
        timeout: function.timeout,
    };
    Ok(Pool::start(program, limits, Arc::clone(reports)))
}
