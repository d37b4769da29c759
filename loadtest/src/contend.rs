//! Experiment 1: how many bids a second one item takes, with how many bidding at once, and up to which rate the answers
//! come in time.

mod bare;
mod sweep;
mod told;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use self::bare::Bare;
use self::sweep::Sweep;
use crate::conclude::{conclude, count_invalid};
use crate::generator::{self, Plan};
use crate::load::{Load, Mix, Rate, Users};
use crate::options::Options;
use crate::result::{Report, Trial};
use crate::search::{Promise, Search};
use crate::stage::Stage;

#[derive(Clone, Debug, clap::Args)]
#[command(after_help = crate::options::EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    options: Options,
    /// How many bid at once in the closed loop, each with one bid under way
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8, 16, 32, 64, 128, 256])]
    users: Vec<u32>,
    /// How often each number of users comes, in random order
    #[arg(long, default_value_t = 3)]
    repeats: u32,
    /// How long each trial lasts
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// The capacity is the highest rate of an open loop at which 99 of 100 bids are answered within this time
    #[arg(long, value_name = "MS", default_value_t = 50.0)]
    promise: f64,
    /// How often each rate around the edge is tried; 0 leaves the search out
    #[arg(long, default_value_t = 5)]
    confirm: u32,
    /// Leaves out the bare loop around the script, which comes in turn with the closed loop if the system is its own
    #[arg(long)]
    no_bare: bool,
    /// Only an open loop at this many bids a second, in place of all that
    #[arg(long)]
    rate: Option<f64>,
}

const QUESTION: &str = "How many bids a second does one item take?";

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments { options, users, repeats, seconds, .. } = arguments;
    ensure!(*seconds > 0.0 && *repeats > 0 && users.iter().all(|&users| users > 0), "nothing to measure");
    let mut report = Report::new("contend", QUESTION, options.seed);
    let mut contention =
        Contention { stage: Stage::set(options, "contend").await?, seconds: *seconds, seed: options.seed };
    contention.closed("warm-up", 8).await?;
    match arguments.rate {
        Some(rate) => told::one_rate(contention.open(rate).await?, &mut report),
        None => measure(arguments, &mut contention, &mut report).await?,
    }
    count_invalid(&mut report);
    report.parameters.insert("promise_p99_ms".to_owned(), arguments.promise.into());
    report.parameters.insert("trial_seconds".to_owned(), (*seconds).into());
    contention.stage.strike(&mut report).await?;
    conclude(options, &report)
}

async fn measure(arguments: &Arguments, contention: &mut Contention, report: &mut Report) -> Result<()> {
    let bare = match contention.stage.system().is_some() && !arguments.no_bare {
        true => Some(Bare::start(contention.seconds).await.context("the Redis of the bare loop")?),
        false => None,
    };
    let sweep = Sweep::run(arguments, contention, bare.as_ref()).await?;
    if let Some(bare) = bare {
        bare.stop().await?;
    }
    told::sweep(&sweep, arguments.options.seed, report);
    if arguments.confirm > 0 {
        // Whoever waits comes less often: an open loop reaches its limit below the rate of a closed one.
        let begin = sweep.best().answered_per_s / 3.0;
        let (promise, repeats, seed) = (Promise::of(arguments.promise), arguments.confirm, arguments.options.seed);
        let search = Search { promise, begin, repeats, seed, offer: async |rate| contention.open(rate).await };
        told::capacity(search.run().await?, arguments.promise, report);
    }
    told::throughput_against_latency(report);
    Ok(())
}

/// Trials that each have a new item.
struct Contention {
    stage: Stage,
    seconds: f64,
    seed: u64,
}

impl Contention {
    async fn closed(&mut self, name: &str, users: u32) -> Result<Trial> {
        let users = Users { count: users, arrive_within: 0, think: Duration::ZERO };
        let plan = self.plan(name.to_owned(), Rate::Constant(0.0), Some(users));
        generator::run(plan, &self.stage, None).await
    }

    async fn open(&mut self, rate: f64) -> Result<Trial> {
        let plan = self.plan(format!("open loop, {rate:.0}/s"), Rate::Constant(rate), None);
        generator::run(plan, &self.stage, None).await
    }

    fn plan(&mut self, name: String, rate: Rate, users: Option<Users>) -> Plan {
        let items = self.stage.fresh_items(1);
        // Every trial draws otherwise, and every run with this seed the same.
        let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(items.first.into());
        let lasts = (self.seconds * 1e6) as u64;
        Plan { name, load: Load { rate, burst: 0, items, mix: Mix::RISING, begins: 0, lasts, seed }, users }
    }
}
