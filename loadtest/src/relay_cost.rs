//! What the relay costs: ours beside the raw floor and beside peers from the registries, on one machine in one run, read
//! by the same threads.
//!
//! In every round each server is started, filled with idle viewers, and told to publish; the clock starts at the write
//! that publishes.

mod crowd;
mod delivery;
mod door;
mod frames;
mod install;
mod neighbours;
mod picture;
mod process;
mod publisher;
mod readers;
mod record;
mod round;
mod servers;
mod summary;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use local::Settings;

pub use self::crowd::{Arguments as CrowdArguments, run as run_crowd};
use self::install::Peers;
pub use self::neighbours::{Arguments as NeighboursArguments, run as run_neighbours};
use self::record::{Fault, Parameters, Round, Run};
use self::servers::Kind;
pub use self::servers::{FloorArguments, run_floor};
use self::summary::Rounds;
use crate::{machine, open_files};

#[derive(clap::Args)]
pub struct Arguments {
    /// How many viewers
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000])]
    viewers: Vec<usize>,
    /// How often each server comes, in turn. Fewer than 5 prove nothing
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Threads that read for the viewers, of all servers
    #[arg(long, default_value_t = READERS)]
    readers: usize,
    /// Single messages in each round
    #[arg(long, default_value_t = 20)]
    messages: u32,
    /// Bursts in each round
    #[arg(long, default_value_t = 3)]
    bursts: u32,
    /// Messages in a burst
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=255))]
    burst: u32,
    /// Which servers
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Kind::COMPARED)]
    servers: Vec<Kind>,
    /// Where `relay.json` and `relay.svg` go
    #[arg(long, default_value = ".local/relay-cost")]
    out: PathBuf,
}

/// As many as the smallest machine has cores.
const READERS: usize = 2;
/// Files that this program and a server need beside those of the viewers.
const FILES_BESIDE: u64 = 200;
/// A round that fails is tried once more.
const TRIES: u32 = 2;

pub async fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { rounds, readers, messages, bursts, viewers, .. } = arguments;
    let is_something =
        *rounds > 0 && *readers > 0 && *messages > 0 && *bursts > 0 && viewers.iter().all(|&viewers| viewers > 0);
    ensure!(is_something, "nothing to measure");
    let most = viewers.iter().copied().max().unwrap_or_default();
    let peers = prepare(most, &arguments.servers, &arguments.out)?;
    let load_before = load_average();
    let parameters = arguments.parameters();
    let (rounds, faults) = all_rounds(&parameters, &peers).await;
    let summed = Rounds(&rounds);
    let run = Run {
        revision: machine::revision(),
        machine: machine::description(),
        command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
        load_average: [load_before, load_average()],
        versions: peers.versions(),
        missing: peers.missing(),
        invalid_because: summary::invalid_because(summed, &parameters),
        bars: summary::bars(summed, &parameters),
        rows: summary::rows(summed, &parameters),
        parameters,
        rounds,
        faults,
    };
    fs::write(arguments.out.join("relay.json"), serde_json::to_vec_pretty(&run)?)?;
    fs::write(arguments.out.join("relay.svg"), picture::svg(&run))?;
    tell(&run, arguments)
}

/// Whether there is room for so many viewers, where results go, and the servers that are not ours.
fn prepare(viewers: usize, servers: &[Kind], out: &Path) -> Result<Peers> {
    let who = format!("{viewers} viewers here and in each server");
    open_files::ensure_room(&who, viewers as u64, FILES_BESIDE, "ask for fewer (--viewers)")?;
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let root = Settings::temporary(&[])?.root;
    tokio::task::block_in_place(|| Peers::install(&root, servers))
}

/// What plain `send()` on all sockets takes to bring a message to so many viewers, by one thread: for others to show beside.
/// Half and 99 of 100 of the deliveries, in milliseconds.
pub(crate) async fn floor(viewers: u32, messages: u32) -> Result<[f64; 2]> {
    let (kind, viewers) = (Kind::Floor1, viewers as usize);
    let parameters = Parameters {
        servers: vec![kind],
        viewers: vec![viewers],
        rounds: 1,
        readers: READERS,
        messages,
        bursts: 1,
        burst: 1,
    };
    let root = Settings::temporary(&[])?.root;
    let peers = tokio::task::block_in_place(|| Peers::install(&root, &[kind]))?;
    let Round { single, .. } = round::run(kind, viewers, 1, &parameters, &peers).await?;
    Ok([single.p50_us, single.p99_us].map(|us| us as f64 / 1_000.0))
}

impl Arguments {
    fn parameters(&self) -> Parameters {
        Parameters {
            servers: self.servers.clone(),
            viewers: self.viewers.clone(),
            rounds: self.rounds,
            readers: self.readers,
            messages: self.messages,
            bursts: self.bursts,
            burst: self.burst,
        }
    }
}

/// Another server begins in every round.
async fn all_rounds(parameters: &Parameters, peers: &Peers) -> (Vec<Round>, Vec<Fault>) {
    let (mut rounds, mut faults) = (Vec::new(), Vec::new());
    let missing = peers.missing();
    let servers: Vec<Kind> =
        parameters.servers.iter().copied().filter(|server| !missing.contains_key(server)).collect();
    for &viewers in &parameters.viewers {
        for number in 1..=parameters.rounds {
            for turn in 0..servers.len() {
                let server = servers[(turn + number as usize) % servers.len()];
                eprintln!("{viewers} viewers, round {number} of {}: {}", parameters.rounds, server.name());
                let before = rounds.len();
                let mut tries = 0..TRIES;
                while rounds.len() == before && tries.next().is_some() {
                    match round::run(server, viewers, number, parameters, peers).await {
                        Ok(round) => rounds.push(round),
                        Err(error) => {
                            let error = format!("{error:#}");
                            eprintln!("  it failed: {error}");
                            faults.push(Fault { server, viewers, round: number, error });
                        }
                    }
                }
            }
        }
    }
    (rounds, faults)
}

/// Over the last minute.
fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
fn tell(run: &Run, arguments: &Arguments) -> Result<()> {
    println!("{run}");
    eprintln!("{0}/relay.json, {0}/relay.svg", arguments.out.display());
    ensure!(run.invalid_because.is_empty(), "the run is invalid");
    Ok(())
}
