//! Measurements of the system, from outside.

use std::path::PathBuf;

use anyhow::ensure;
use clap::{Parser, Subcommand};
use loadtest::record::Folder;
use loadtest::verify::Verdict;
use loadtest::{api_cost, cold_start, faults, lambda_cost, relay_cost, soak, timeline, verify};

#[derive(Parser)]
#[command(about = "Measures the auction system from outside")]
struct Arguments {
    #[command(subcommand)]
    experiment: Experiment,
}

#[derive(Subcommand)]
enum Experiment {
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
    /// The floor of `relay-cost`
    #[command(hide = true)]
    RelayFloor(relay_cost::FloorArguments),
    /// Decides once more from the record of a storm
    Verify {
        /// The folder of the record, which the storm has named
        record: PathBuf,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().experiment {
        Experiment::ColdStart(arguments) => cold_start::run(&arguments).await,
        Experiment::LambdaCost(arguments) => lambda_cost::run(&arguments).await,
        Experiment::ApiCost(arguments) => api_cost::run(&arguments).await,
        Experiment::Faults(arguments) => faults::run(&arguments).await,
        Experiment::Soak(arguments) => tell(&soak::run(&arguments).await?),
        Experiment::RelayCost(arguments) => relay_cost::run(&arguments).await,
        Experiment::RelayFloor(arguments) => relay_cost::run_floor(&arguments),
        Experiment::Verify { record } => {
            let folder = Folder::open(&record);
            let verdict = verify::verify(&folder)?;
            timeline::write(&folder, &verdict)?;
            tell(&verdict)
        }
    }
}

#[expect(clippy::print_stdout, reason = "the verdict is the command's output")]
fn tell(verdict: &Verdict) -> anyhow::Result<()> {
    println!("{verdict}");
    ensure!(verdict.passed(), "promises were broken");
    Ok(())
}
