//! Measurements of the system, from outside.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;
use clap::{Parser, Subcommand};
use loadtest::record::Folder;
use loadtest::verify::Verdict;
use loadtest::{
    api_cost, calibrate, cold_start, coldwarm, contend, fanout, faults, lambda_cost, mixed, null_server, relay_cost,
    report, resilience, soak, stress, timeline, verify,
};

#[derive(Parser)]
#[command(about = "Measures the auction system from outside", after_help = loadtest::options::EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    experiment: Experiment,
}

#[derive(Subcommand)]
enum Experiment {
    /// Experiment 1, write contention: how many bids a second one item takes, and how soon they are answered
    Contend(contend::Arguments),
    /// Experiment 2, fan-out: how long a bid takes to every viewer, the more of them watch
    Fanout(fanout::Arguments),
    /// Experiment 3, resilience: bids and viewers while the relay, PostgreSQL and NATS are killed, beside a control
    Resilience(resilience::Arguments),
    /// Experiment 4, cold start against warm: the same bids before cold, warm, provisioned and concurrent sandboxes
    Coldwarm(coldwarm::Arguments),
    /// The general load: visitors of several items, who look more often than they bid
    Mixed(mixed::Arguments),
    /// The breaking point: more and more bids until they fail or come too late
    Stress(stress::Arguments),
    /// What the generator itself can do, against a server that does nothing
    Calibrate(calibrate::Arguments),
    /// That server, for other generators
    NullServer(null_server::Arguments),
    /// Makes one page of the results of experiments, or compares two runs
    Report(report::Arguments),
    /// Sizes of the functions, and how long their cold starts take
    ColdStart(cold_start::Arguments),
    /// Bid latency in one process, in sandboxes and under `cargo lambda watch`, in one run
    LambdaCost(lambda_cost::Arguments),
    /// Bids through `api`, beside a bare loop around the script and beside constant answers, in one run
    ApiCost(api_cost::Arguments),
    /// Bid latency with NATS and PostgreSQL up, killed and frozen, in one run against a system of its own
    Faults(faults::Arguments),
    /// A storm of faults under load, and whether anything was lost, in one run against a system of its own
    Soak(soak::Arguments),
    /// The relay beside the raw floor and its peers: nchan, NATS, uWebSockets, ws, in one run
    RelayCost(relay_cost::Arguments),
    /// Whether viewers of the relay that stall, and others that are hostile, delay those beside them
    RelayNeighbours(relay_cost::NeighboursArguments),
    /// Ten thousand viewers that come at once, also after the relay was killed or told to stop
    RelayCrowd(relay_cost::CrowdArguments),
    /// The floor of `relay-cost`
    #[command(hide = true)]
    RelayFloor(relay_cost::FloorArguments),
    /// Some of the viewers of `fanout`, in a process of their own
    #[command(hide = true)]
    WatchPart,
    /// Decides once more from the record of a storm
    Verify {
        /// The folder of the record, which the storm has named
        record: PathBuf,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse().experiment {
        Experiment::Contend(arguments) => return contend::run(&arguments).await,
        Experiment::Fanout(arguments) => return fanout::run(&arguments).await,
        Experiment::Resilience(arguments) => return resilience::run(&arguments).await,
        Experiment::Coldwarm(arguments) => return coldwarm::run(&arguments).await,
        Experiment::Mixed(arguments) => return mixed::run(&arguments).await,
        Experiment::Stress(arguments) => return stress::run(&arguments).await,
        Experiment::Calibrate(arguments) => return calibrate::run(&arguments).await,
        Experiment::NullServer(arguments) => null_server::run(&arguments).await?,
        Experiment::Report(arguments) => report::run(&arguments)?,
        Experiment::ColdStart(arguments) => cold_start::run(&arguments).await?,
        Experiment::LambdaCost(arguments) => lambda_cost::run(&arguments).await?,
        Experiment::ApiCost(arguments) => api_cost::run(&arguments).await?,
        Experiment::Faults(arguments) => faults::run(&arguments).await?,
        Experiment::Soak(arguments) => tell(&soak::run(&arguments).await?)?,
        Experiment::RelayCost(arguments) => relay_cost::run(&arguments).await?,
        Experiment::RelayNeighbours(arguments) => relay_cost::run_neighbours(&arguments).await?,
        Experiment::RelayCrowd(arguments) => relay_cost::run_crowd(&arguments).await?,
        Experiment::RelayFloor(arguments) => relay_cost::run_floor(&arguments)?,
        Experiment::WatchPart => fanout::watch_part().await?,
        Experiment::Verify { record } => {
            let folder = Folder::open(&record);
            let verdict = verify::verify(&folder)?;
            timeline::write(&folder, &verdict)?;
            tell(&verdict)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the verdict is the command's output")]
fn tell(verdict: &Verdict) -> anyhow::Result<()> {
    println!("{verdict}");
    ensure!(verdict.passed(), "promises were broken");
    Ok(())
}
