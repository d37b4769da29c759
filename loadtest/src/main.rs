//! Measurements of the system, from outside.

use clap::{Parser, Subcommand};
use loadtest::{cold_start, faults, lambda_cost};

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
    /// Bid latency with NATS and PostgreSQL up, killed and frozen, in one run against a system of its own
    Faults(faults::Arguments),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().experiment {
        Experiment::ColdStart(arguments) => cold_start::run(&arguments).await,
        Experiment::LambdaCost(arguments) => lambda_cost::run(&arguments).await,
        Experiment::Faults(arguments) => faults::run(&arguments).await,
    }
}
