//! A storm: load, viewers and faults against a system of its own, then the drain, then the checker.

mod collect;
mod machine;
mod pulse;
mod sampler;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use local::{Api, Archive, Fsync, Name, Settings, System};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::pulse::Pulse;
use self::sampler::Sampler;
use crate::clock::Clock;
use crate::load::{self, Load, Mix};
use crate::record::{Folder, Run, Writer};
use crate::storm::{self, Fault, Planned, Proxy, Storm, schedule};
use crate::timeline;
use crate::verify::{self, Verdict};
use crate::viewers::Viewers;

#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// How long there is load, in seconds
    #[arg(long, default_value_t = 120)]
    pub seconds: u64,
    /// The same seed has the same bidders, viewers and faults
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Bids a second, over all items
    #[arg(long, default_value_t = 1_000.0)]
    pub rate: f64,
    #[arg(long, default_value_t = 20)]
    pub items: u32,
    #[arg(long, default_value_t = 200)]
    pub viewers: u32,
    /// Lanes of faults: all, or a list of messenger, archive, relay, judge, power, queue; `none` for a calm run
    #[arg(long, value_delimiter = ',', default_value = "all")]
    pub faults: Vec<String>,
    /// Who brings bids to PostgreSQL
    #[arg(long, value_enum, default_value_t = Archive::Nats)]
    pub archive: Archive,
    /// What answers HTTP
    #[arg(long, value_enum, default_value_t = Api::Lambda)]
    pub api: Api,
    /// When Redis waits for the disk
    #[arg(long, value_enum, default_value_t = Fsync::Everysec)]
    pub fsync: Fsync,
    /// Every Nth message of the queue fails, and the others come twice and in the wrong order
    #[arg(long)]
    pub queue_faults: Option<u32>,
    /// Only bids that should be accepted, in place of a mixture
    #[arg(long)]
    pub rising: bool,
    /// Where the record goes
    #[arg(long, default_value = ".local/soak")]
    pub out: PathBuf,
}

/// After the last repair: for the outbox to be empty.
const DRAIN_DEADLINE: Duration = Duration::from_secs(60);
/// And for the viewers to have seen everything.
const VIEWERS_DEADLINE: Duration = Duration::from_secs(30);

/// Runs a storm, and decides what came of it.
pub async fn run(arguments: &Arguments) -> Result<Verdict> {
    ensure!(arguments.seconds > 0 && arguments.rate > 0.0 && arguments.items > 0, "nothing to do");
    let folder = Folder::create(&arguments.out.join(arguments.seed.to_string()))?;
    let lanes = planned(arguments)?;
    let (system, nats, redis) = start(arguments).await?;
    let system = Arc::new(system);
    let loses_nothing = arguments.fsync == Fsync::Always;
    let storm = Arc::new(Storm { system: Arc::clone(&system), nats, redis, clock: Clock::start(), loses_nothing });
    let run = rage(arguments, &folder, &storm, lanes).await?;
    fs::write(folder.file("run.json"), serde_json::to_vec_pretty(&run)?)?;
    collect::all(&system, arguments.items, &folder).await.context("the final state")?;
    system.stop().await?;
    let verdict = verify::verify(&folder)?;
    timeline::write(&folder, &verdict)?;
    Ok(verdict)
}

/// What happens in each lane.
fn planned(arguments: &Arguments) -> Result<Vec<Vec<Planned>>> {
    let wanted = |name: &str| arguments.faults.iter().any(|fault| fault == name || fault == "all");
    let mut lanes = storm::lanes(arguments.archive == Archive::Sqs, arguments.api == Api::Lambda);
    let names: Vec<&str> = lanes.iter().map(|lane| lane.name).chain(["all", "none", "power", "queue"]).collect();
    for fault in &arguments.faults {
        ensure!(names.contains(&fault.as_str()), "there is no lane {fault}; there are {}", names.join(", "));
    }
    for lane in &mut lanes {
        // Of the judge's lane, and asked for apart: it loses bids.
        lane.faults.retain(|fault| wanted(if *fault == Fault::PowerLost { "power" } else { lane.name }));
    }
    let ends = arguments.seconds * 1_000_000;
    Ok((0..).zip(&lanes).map(|(number, lane)| schedule(lane, number, arguments.seed, ends)).collect())
}

/// The system, and the cables between its relay and NATS and Redis.
async fn start(arguments: &Arguments) -> Result<(System, Proxy, Proxy)> {
    let mut settings = Settings::temporary(&Name::ALL)?;
    settings.api = arguments.api;
    settings.fsync = arguments.fsync;
    if arguments.archive == Archive::Sqs {
        settings.archive_by_sqs();
    }
    if let Some(every) = arguments.queue_faults {
        settings.environment.push(("QUEUE_FAULTS", every.to_string()));
    }
    let nats = Proxy::start(settings.addresses.nats).await?;
    let redis = Proxy::start(settings.addresses.redis).await?;
    let mut addresses = settings.addresses.clone();
    (addresses.nats, addresses.redis) = (nats.address(), redis.address());
    settings.addresses_for_relay = Some(addresses);
    Ok((System::start(settings).await?, nats, redis))
}

/// Load, viewers and faults at once, then the repair of all, then the drain.
async fn rage(arguments: &Arguments, folder: &Folder, storm: &Arc<Storm>, lanes: Vec<Vec<Planned>>) -> Result<Run> {
    let (clock, system) = (storm.clock, &storm.system);
    let requests = Writer::create(folder.file("requests.jsonl"))?;
    let frames = Writer::create(folder.file("frames.jsonl"))?;
    let faults = Writer::create(folder.file("faults.jsonl"))?;
    let sampler = Sampler::start(system.worker_url(), clock, folder.file("samples.jsonl"))?;
    let pulse = Pulse::start(&system.redis_url(), clock, faults.sender())?;
    let (goal, watched) = watch::channel(None);
    let mut viewers = crowd(arguments, storm).watch(&frames.sender(), &watched);

    let mut raging = JoinSet::new();
    for planned in lanes {
        let (storm, faults) = (Arc::clone(storm), faults.sender());
        raging.spawn(async move { storm.run(&planned, &faults).await });
    }
    let load = Load {
        rate: arguments.rate,
        items: arguments.items,
        mix: if arguments.rising { Mix::RISING } else { Mix::STORM },
        lasts: arguments.seconds * 1_000_000,
        seed: arguments.seed,
    };
    let unsent = load::offer(&load, &system.api_url(), clock, requests.sender()).await?;
    for lane in raging.join_all().await {
        lane?;
    }
    pulse.stop().await?;
    faults.close().await?;
    requests.close().await?;

    let repaired = clock.now();
    let drained = collect::until_drained(system, DRAIN_DEADLINE).await;
    let drain_us = drained.then(|| clock.now() - repaired);
    goal.send_replace(Some(Arc::new(collect::last_seqs(system, arguments.items).await?)));
    let all_seen = async { while viewers.join_next().await.is_some() {} };
    // Who has not seen all by then is found by the checker.
    let _ = tokio::time::timeout(VIEWERS_DEADLINE, all_seen).await;
    viewers.shutdown().await;
    frames.close().await?;
    let reconciled = sampler.stop().await?;
    let (revision, machine) = (machine::revision(), machine::description());
    Ok(Run {
        seed: arguments.seed,
        command: arguments.command(),
        revision,
        machine,
        started_at: clock.started_at(),
        load_us: load.lasts,
        drain_us,
        reconciled,
        unsent,
        viewers: arguments.viewers.into(),
    })
}

fn crowd(arguments: &Arguments, storm: &Storm) -> Viewers {
    Viewers {
        count: arguments.viewers,
        items: arguments.items,
        seed: arguments.seed,
        restless: !arguments.faults.iter().any(|fault| fault == "none"),
        relay_url: storm.system.relay_url(),
        clock: storm.clock,
    }
}

impl Arguments {
    /// What runs the same again.
    fn command(&self) -> String {
        let Self { seconds, seed, rate, items, viewers, faults, .. } = self;
        let faults = faults.join(",");
        let mut command = format!(
            "loadtest soak --seconds {seconds} --seed {seed} --rate {rate} --items {items} --viewers {viewers} \
             --faults {faults} --archive {} --api {} --fsync {}",
            value(&self.archive),
            value(&self.api),
            value(&self.fsync),
        );
        if let Some(every) = self.queue_faults {
            command.push_str(&format!(" --queue-faults {every}"));
        }
        if self.rising {
            command.push_str(" --rising");
        }
        command
    }
}

/// As it is written in a command.
fn value(value: &impl clap::ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
