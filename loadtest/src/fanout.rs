//! Experiment 2: how long an accepted bid takes to every viewer of its item, the more of them watch.

mod part;
mod parts;
mod step;
mod taps;
mod told;

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use local::{Name, Settings, System};

pub use self::part::run as watch_part;
use self::step::Step;
use crate::conclude::conclude;
use crate::http::Target;
use crate::open_files;
use crate::options::Options;
use crate::relay_cost;
use crate::result::Report;
use crate::stage::Stage;

#[derive(Clone, Debug, clap::Args)]
#[command(after_help = crate::options::EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    options: Options,
    /// How many watch, one step after the other, each on an item of its own
    #[arg(long, value_delimiter = ',', default_values_t = [100, 300, 1_000, 3_000, 10_000])]
    viewers: Vec<u32>,
    /// Bids in each step
    #[arg(long, default_value_t = 20)]
    bids: u32,
    /// From one bid to the next
    #[arg(long, value_name = "MS", default_value_t = 1_000)]
    interval: u64,
    /// With --target: where viewers connect, such as wss://auction.example
    #[arg(long, value_name = "URL")]
    relay: Option<String>,
    /// Leaves out the floor: what plain `send()` on all sockets takes, measured after each step
    #[arg(long)]
    no_floor: bool,
}

const QUESTION: &str = "How long does an accepted bid take to every viewer?";
/// Files of the relay beside those of its viewers: a thousand are kept for handshakes.
const FILES_OF_RELAY: u64 = 1_100;
/// Of this program, beside the floor's viewers.
const FILES_OF_FLOOR: u64 = 300;

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments { options, viewers, bids, interval, relay, no_floor } = arguments;
    ensure!(*bids > 0 && *interval > 0 && viewers.iter().all(|&viewers| viewers > 0), "nothing to measure");
    let files = open_files::raise()?;
    let most = viewers.iter().copied().max().unwrap_or_default();
    let mut report = Report::new("fanout", QUESTION, options.seed);
    let (mut stage, relay_url) = match (&options.target, relay) {
        (None, _) => {
            let instead = "name a relay that may open more with --target and --relay, or ask for fewer (--viewers)";
            let who = format!("{most} viewers of one relay");
            open_files::ensure_room(&who, most.into(), FILES_OF_RELAY, instead)?;
            eprintln!("starting a system");
            let mut settings = Settings::temporary(&Name::ALL)?;
            settings.api = options.api;
            let system = System::start(settings).await?;
            let relay_url = system.relay_url();
            (Stage::own(options, "fanout", system)?, relay_url)
        }
        (Some(_), Some(relay)) => (Stage::set(options, "fanout").await?, relay.trim_end_matches('/').to_owned()),
        (Some(_), None) => anyhow::bail!("with --target, --relay says where viewers connect"),
    };
    if !no_floor {
        open_files::ensure_room("the floor's viewers", most.into(), FILES_OF_FLOOR, "leave it out (--no-floor)")?;
    }
    // Whoever has a wrong URL is told before it is measured.
    ensure!(
        relay_url.matches('/').count() == 2,
        "--relay is a server's URL without a path, such as ws://127.0.0.1:8081"
    );
    Target::resolve(&relay_url).await.context("--relay")?;
    let mut steps = Vec::new();
    for &count in viewers {
        let mut step = Step::run(arguments, count, &relay_url, files, &mut stage).await?;
        eprintln!("{step}");
        if !no_floor {
            step.floor_ms = Some(relay_cost::floor(count, *bids).await.context("the floor")?);
        }
        steps.push(step);
    }
    told::tell(arguments, &steps, &mut report);
    stage.strike(&mut report).await?;
    conclude(options, &report)
}
