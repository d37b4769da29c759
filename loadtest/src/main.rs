//! Measurements of the system, from outside.

use clap::{Parser, Subcommand};
use loadtest::nats_faults;

#[derive(Parser)]
#[command(about = "Measures the auction system from outside")]
struct Arguments {
    #[command(subcommand)]
    experiment: Experiment,
}

#[derive(Subcommand)]
enum Experiment {
    /// Bid latency with NATS up, killed and frozen, in one run against a system of its own.
    NatsFaults(nats_faults::Arguments),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().experiment {
        Experiment::NatsFaults(arguments) => nats_faults::run(&arguments).await,
    }
}
