//! Experiment 4: what bidders notice when functions start under a burst. The same bids on one item meet no sandbox, as many
//! as they need, some that are kept ready, or such as take several bids at once.

mod arm;
mod cost;
mod pairs;
mod run;
mod told;

use std::process::ExitCode;

use anyhow::{Result, ensure};

use self::arm::{Arm, Front};
use self::run::Run;
use crate::conclude::{conclude, count_invalid};
use crate::generator::{self, Plan};
use crate::load::{Load, Mix, Rate};
use crate::options::Options;
use crate::reports;
use crate::result::Report;
use crate::stage::Stage;

#[derive(Clone, Debug, clap::Args)]
#[command(after_help = crate::options::EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    options: Options,
    /// How often each way comes: forth and back in turn (ABCD DCBA …), so that what drifts meets all alike
    #[arg(long, default_value_t = 10)]
    pairs: u32,
    /// Bids a second, all on one item
    #[arg(long, default_value_t = 300.0)]
    rate: f64,
    /// Bids that come at once in the beginning
    #[arg(long, default_value_t = 16)]
    burst: u32,
    /// How long each trial lasts
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Sandboxes that are kept ready, where some are
    #[arg(long, default_value_t = 16)]
    provisioned: usize,
    /// Bids that a sandbox takes at once, where it takes several
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
    /// The most sandboxes
    #[arg(long, default_value_t = 50)]
    sandboxes: usize,
    /// Bids that wait for one; 0 is Lambda's own way, 429 at once
    #[arg(long, default_value_t = 10_000)]
    queue: usize,
}

const QUESTION: &str = "What do bidders notice when functions start under a burst of bids on one item?";

/// Fewer say nothing with any confidence.
const PAIRS_MIN: u32 = 10;

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments { options, pairs, rate, seconds, .. } = arguments;
    ensure!(*pairs > 0 && *rate > 0.0 && *seconds > 0.0, "nothing to measure");
    ensure!(
        options.target.is_none(),
        "whether a sandbox was cold is told by the headers x-cold-start and x-sandbox-id of our own sandboxes; a deployed \
         function has no such headers, and nobody can end its sandboxes: measure there with `contend --target`"
    );
    let mut report = Report::new("coldwarm", QUESTION, options.seed);
    let folder = tempfile::tempdir()?;
    let reports = |arm: Arm| folder.path().join(arm.name());
    eprintln!("starting a system with four kinds of sandboxes");
    let (system, cold) = arm::stores(arguments, reports(Arm::Cold)).await?;
    let mut fronts = vec![cold];
    for arm in [Arm::Warm, Arm::Provisioned, Arm::Concurrent] {
        fronts.push(Front::beside(&system, arm, arguments, reports(arm)).await?);
    }
    let mut stage = Stage::own(options, "coldwarm", system)?;
    let runs = measure(arguments, &mut stage, &fronts, &mut report).await?;
    let mut invocations = Vec::new();
    let system = std::sync::Arc::clone(stage.system().expect("it is ours"));
    for front in fronts {
        let (arm, reports) = front.end(&system).await?;
        invocations.push((arm, reports::of_function("place-bid", &reports)?));
    }
    drop(system);
    told::tell(arguments, &runs, &invocations, &mut report);
    count_invalid(&mut report);
    stage.strike(&mut report).await?;
    conclude(options, &report)
}

async fn measure(arguments: &Arguments, stage: &mut Stage, fronts: &[Front], report: &mut Report) -> Result<Vec<Run>> {
    let system = std::sync::Arc::clone(stage.system().expect("it is ours"));
    let mut runs = Vec::new();
    for pair in 0..=arguments.pairs {
        let mut order: Vec<&Front> = fronts.iter().collect();
        if pair % 2 == 1 {
            order.reverse();
        }
        for front in order {
            front.prepare(&system).await?;
            stage.target = front.target(&system);
            let plan = plan(arguments, pair, front.arm, stage);
            let (tap, requests) = run::tap(stage.record());
            let trial = generator::run(plan, stage, Some(tap)).await?;
            let requests = requests.await?;
            // The first pair is a warm-up, for the warm sandboxes to be there, too.
            if pair > 0 {
                runs.push(Run { arm: front.arm, pair, requests });
                report.trials.push(trial);
            }
        }
    }
    Ok(runs)
}

/// The same for all ways of one pair, but for its item.
fn plan(arguments: &Arguments, pair: u32, arm: Arm, stage: &mut Stage) -> Plan {
    let load = Load {
        rate: Rate::Constant(arguments.rate),
        burst: arguments.burst,
        items: stage.fresh_items(1),
        mix: Mix::RISING,
        begins: 0,
        lasts: (arguments.seconds * 1e6) as u64,
        seed: arguments.options.seed.wrapping_mul(1_000_003).wrapping_add(pair.into()),
    };
    Plan { name: format!("{}, pair {pair}", arm.name()), load, users: None }
}
