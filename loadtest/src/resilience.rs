//! Experiment 3: what bidders and viewers notice while the relay, PostgreSQL or NATS is down, and how everything comes back.

mod episode;
mod told;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, ensure};
use local::{Name, Settings};

use self::episode::Episode;
use crate::clock::Clock;
use crate::conclude::conclude;
use crate::load::{Items, Load, Mix, Rate};
use crate::machine::Watch;
use crate::options::Options;
use crate::record::Folder;
use crate::recording::Recording;
use crate::result::{Check, Report};
use crate::soak::{Rage, wire};
use crate::stage;
use crate::storm::{Fault, Planned, Storm};
use crate::verify;

#[derive(Clone, Debug, clap::Args)]
#[command(after_help = crate::options::EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    options: Options,
    /// Bids a second, over all items: each when it is due, whatever became of the others
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    #[arg(long, default_value_t = 10)]
    items: u32,
    #[arg(long, default_value_t = 50)]
    viewers: u32,
    /// How long each part is down, and how long it is calm before and after
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

const QUESTION: &str = "What do bidders and viewers notice while the relay, PostgreSQL or NATS is down?";

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments { options, rate, items, seconds, .. } = arguments;
    ensure!(*seconds > 1 && *rate > 0.0 && *items > 0, "nothing to measure");
    ensure!(
        options.target.is_none(),
        "faults are put into a system of our own only: run `loadtest mixed --target …` and break the target yourself"
    );
    let mut report = Report::new("resilience", QUESTION, options.seed);
    let folder = Folder::create_empty(&options.out.join("resilience.record"))?;
    let tally = {
        let mut settings = Settings::temporary(&Name::ALL)?;
        settings.api = options.api;
        eprintln!("starting a system; it takes {} s from here", seconds * (2 * Episode::ALL.len() as u64 + 1));
        let (system, nats, redis) = wire(settings).await?;
        let (system, clock) = (Arc::new(system), Clock::start());
        let storm = Arc::new(Storm { system: Arc::clone(&system), nats, redis, clock, loses_nothing: false });
        let recording = Recording::start(folder.clone(), &system, clock)?;
        let watch = Watch::start();
        let tally = rage(arguments, &report.command).run(recording, &storm).await?;
        told::others(watch.stop().0, &mut report);
        system.stop().await?;
        tally
    };
    let verdict = verify::verify(&folder)?;
    told::tell(arguments, &folder, &verdict, &tally, &mut report)?;
    report.check = match options.no_check {
        true => {
            folder.remove()?;
            Check::Not("--no-check".to_owned())
        }
        false => stage::check_of(&folder, &verdict)?,
    };
    conclude(options, &report)
}

fn rage(arguments: &Arguments, command: &str) -> Rage {
    let Arguments { options, rate, items, viewers, seconds } = arguments;
    let planned = Episode::ALL.into_iter().enumerate().filter_map(|(number, episode)| {
        let fault = Fault::Killed(episode.server()?);
        Some(Planned { from: episode::begins(number, *seconds), lasts_ms: seconds * 1_000, fault })
    });
    Rage {
        command: command.to_owned(),
        load: Load {
            rate: Rate::Constant(*rate),
            burst: 0,
            items: Items::lots(*items),
            mix: Mix::RISING,
            begins: 0,
            lasts: episode::begins(Episode::ALL.len(), *seconds),
            seed: options.seed,
        },
        viewers: *viewers,
        restless: false,
        lanes: vec![planned.collect()],
    }
}
