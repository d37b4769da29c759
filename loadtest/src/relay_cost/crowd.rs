//! A crowd that comes at once: how long it takes until the last of ten thousand viewers is in, when a server has just
//! begun; and for the relay, until all who come back to it have what they missed.

mod stage;
mod visitor;

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use self::stage::Stage;
use super::prepare;
use super::servers::{Kind, Server};
use crate::machine;
use crate::statistics::median;

#[derive(clap::Args)]
pub struct Arguments {
    /// How many viewers come at once
    #[arg(long, default_value_t = 10_000)]
    viewers: usize,
    /// How often each server comes, in turn
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Which servers
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Kind::COMPARED.into_iter().filter(|server| !server.is_floor()))]
    servers: Vec<Kind>,
    /// Where `crowd.json` goes
    #[arg(long, default_value = ".local/relay-cost")]
    out: PathBuf,
}

/// Why a crowd comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Occasion {
    /// The server has just begun, and nobody has seen anything
    Opening,
    /// The relay was killed and is there again. Nobody waits
    Kill,
    /// The relay was told to stop, and everybody waits as it said
    Stop,
}

/// One crowd before one server.
#[derive(Clone, Debug, Serialize)]
struct Came {
    server: Kind,
    round: u32,
    occasion: Occasion,
    viewers: usize,
    /// From the moment when the first could come until all were in and had what they had missed.
    all_in_ms: f64,
    /// Of each viewer's own time, from its first knock.
    p50_ms: f64,
    p99_ms: f64,
    /// Attempts that were turned away, over all viewers.
    refused: u32,
    cpu_us_per_viewer: f64,
    /// The most that the server took meanwhile, above what it took before.
    peak_kib_per_viewer: f64,
    /// Viewers that did not get the message that was published when all were in.
    lost: usize,
}

#[derive(Serialize)]
struct Run {
    revision: String,
    machine: String,
    command: String,
    came: Vec<Came>,
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
pub async fn run(arguments: &Arguments) -> Result<()> {
    ensure!(arguments.rounds > 0 && arguments.viewers > 0, "nothing to measure");
    let peers = prepare(arguments.viewers, &arguments.servers, &arguments.out)?;
    let mut came = Vec::new();
    for round in 1..=arguments.rounds {
        for &kind in &arguments.servers {
            eprintln!("round {round} of {}: {}", arguments.rounds, kind.name());
            let server = Server::start(kind, &peers).await.context("it does not start")?;
            let mut stage = Stage { kind, server, arguments, round };
            let crowds = stage.run().await;
            stage.server.stop().await.context("it does not stop")?;
            came.extend(crowds.with_context(|| kind.name())?);
        }
    }
    let command = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    let run = Run { revision: machine::revision(), machine: machine::description(), command, came };
    let path = arguments.out.join("crowd.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&run)?)?;
    println!("{run}");
    eprintln!("{}", path.display());
    let lost: usize = run.came.iter().map(|came| came.lost).sum();
    ensure!(lost == 0, "{lost} viewers that were in got nothing");
    Ok(())
}

impl Display for Run {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let mut groups: Vec<(Occasion, Kind)> = self.came.iter().map(|came| (came.occasion, came.server)).collect();
        groups.sort_unstable();
        groups.dedup();
        write!(formatter, "medians of the rounds; of refused and lost, sums\n{:<34}", "")?;
        let columns = ["all in ms", "p50 ms", "p99 ms", "refused", "CPU us", "peak KiB", "lost"];
        columns.iter().try_for_each(|column| write!(formatter, " {column:>9}"))?;
        for (occasion, server) in groups {
            let rounds: Vec<&Came> =
                self.came.iter().filter(|came| (came.occasion, came.server) == (occasion, server)).collect();
            let of = |value: fn(&Came) -> f64| median(rounds.iter().map(|came| value(came)).collect());
            write!(
                formatter,
                "\n{:<10}{:<24} {:>9.0} {:>9.1} {:>9.1} {:>9} {:>9.1} {:>9.2} {:>9}",
                occasion.name(),
                server.name(),
                of(|came| came.all_in_ms),
                of(|came| came.p50_ms),
                of(|came| came.p99_ms),
                rounds.iter().map(|came| came.refused).sum::<u32>(),
                of(|came| came.cpu_us_per_viewer),
                of(|came| came.peak_kib_per_viewer),
                rounds.iter().map(|came| came.lost).sum::<usize>(),
            )?;
        }
        write!(formatter, "\n{}, revision {}", self.machine, self.revision)
    }
}

impl Occasion {
    fn name(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Kill => "killed",
            Self::Stop => "stopped",
        }
    }
}
