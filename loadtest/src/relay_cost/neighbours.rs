//! Whether viewers that stall, and others that are hostile, delay those beside them: the relay with such neighbours, with
//! honest ones and with none, in turns, and what its memory does meanwhile.

mod crew;
mod hostile;
mod measure;
mod summary;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde::Serialize;

use self::crew::Manners;
use self::hostile::Attack;
use self::summary::Summary;
use super::prepare;
use super::record::Phase;
use crate::machine;

#[derive(clap::Args)]
pub struct Arguments {
    /// How many viewers. Of ten, one stalls and one is hostile
    #[arg(long, default_value_t = 1_000)]
    viewers: usize,
    /// How often there are such viewers, honest ones in their place, and none: another one begins in every round
    #[arg(long, default_value_t = 12)]
    rounds: u32,
    /// Messages each time
    #[arg(long, default_value_t = 300)]
    messages: u32,
    /// And then, how long the memory is watched
    #[arg(long, default_value_t = 300)]
    memory_seconds: u64,
    /// Of the draws that the interval is made of
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where `neighbours.json` goes
    #[arg(long, default_value = ".local/relay-cost")]
    out: PathBuf,
}

/// What became of the messages to those that are measured.
#[derive(Debug, Serialize)]
struct Beside {
    manners: Manners,
    phase: Phase,
    /// Viewers that were measured and closed.
    closed: usize,
    /// By their kind: how many, and how many of them the relay ended.
    attacks: BTreeMap<Attack, [u32; 2]>,
}

/// In the order of [`Manners::ALL`].
type Round = Vec<Beside>;

/// What the relay took at a time.
#[derive(Clone, Copy, Debug, Serialize)]
struct Memory {
    second: f64,
    kibibytes: u64,
}

#[derive(Serialize)]
struct Run {
    revision: String,
    machine: String,
    command: String,
    summary: Summary,
    rounds: Vec<Round>,
    memory: Vec<Memory>,
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
pub async fn run(arguments: &Arguments) -> Result<()> {
    ensure!(arguments.viewers >= 10 && arguments.rounds > 0 && arguments.messages > 0, "nothing to measure");
    let peers = prepare(arguments.viewers, &[], &arguments.out)?;
    let mut rounds = Vec::new();
    for round in 0..arguments.rounds as usize {
        eprintln!("round {} of {}", round + 1, arguments.rounds);
        let mut measured = Vec::new();
        for turn in 0..Manners::ALL.len() {
            let manners = Manners::ALL[(round + turn) % Manners::ALL.len()];
            measured.push(measure::beside(manners, arguments, &peers).await?);
        }
        measured.sort_by_key(|beside| beside.manners);
        rounds.push(measured);
    }
    eprintln!("memory, {} s", arguments.memory_seconds);
    let memory = measure::watch_memory(arguments, &peers).await?;
    let run = Run {
        revision: machine::revision(),
        machine: machine::description(),
        command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
        summary: Summary::of(&rounds, &memory, arguments.seed),
        rounds,
        memory,
    };
    let path = arguments.out.join("neighbours.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&run)?)?;
    println!("{}\n{}, revision {}", run.summary, run.machine, run.revision);
    eprintln!("{}", path.display());
    ensure!(run.summary.lost == 0, "messages were lost");
    Ok(())
}
