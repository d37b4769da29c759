//! What a bidder notices when NATS is away: nothing, is the promise.

use std::time::Duration;

use anyhow::{Context, ensure};
use local::{Name, Settings, System};

use crate::bidders::{Bidders, Latencies, empty};

#[derive(clap::Args)]
pub struct Arguments {
    /// How often each of the three states comes, in turn
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Bids of each bidder in each state of each round
    #[arg(long, default_value_t = 500)]
    bids: u64,
    /// Bidders, each on an item of its own and with one bid under way
    #[arg(long, default_value_t = 4)]
    bidders: usize,
}

/// How long NATS may take to be noticed again after it came back.
const RECOVERY_DEADLINE: Duration = Duration::from_secs(30);

pub async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    ensure!(arguments.rounds > 0 && arguments.bids > 0 && arguments.bidders > 0, "nothing to measure");
    let system = System::start(Settings::temporary(&Name::ALL)?).await?;
    let nats = system.server("bidding-nats");
    let mut bidders = Bidders::new(system.api_url(), arguments.bidders);
    let (mut up, mut killed, mut frozen) = (empty()?, empty()?, empty()?);
    bidders.bid(arguments.bids).await.context("warm-up")?;
    for round in 1..=arguments.rounds {
        eprintln!("round {round} of {}", arguments.rounds);
        up.add(bidders.bid(arguments.bids).await.context("NATS up")?)?;
        nats.kill().await?;
        killed.add(bidders.bid(arguments.bids).await.context("NATS killed")?)?;
        nats.start().await?;
        until_noticed(&system).await?;
        nats.pause()?;
        frozen.add(bidders.bid(arguments.bids).await.context("NATS frozen")?)?;
        nats.resume()?;
        until_noticed(&system).await?;
    }
    report(&[("up", &up), ("killed", &killed), ("frozen", &frozen)]);
    system.stop().await
}

/// Waits until the api is connected to NATS again.
async fn until_noticed(system: &System) -> anyhow::Result<()> {
    let url = format!("{}/ready", system.api_url());
    let connected = async {
        loop {
            let ready: serde_json::Value = reqwest::get(&url).await?.json().await?;
            if ready["nats"] == "up" {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(RECOVERY_DEADLINE, connected).await.context("the api does not find NATS again")?
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
fn report(states: &[(&str, &Latencies)]) {
    println!("bid latency, closed loop, milliseconds\n");
    println!("{:<8} {:>8} {:>8} {:>8} {:>8} {:>8}   p99 to up", "NATS", "bids", "p50", "p99", "p99.9", "max");
    let milliseconds = |microseconds: u64| microseconds as f64 / 1_000.0;
    let up_p99 = states[0].1.value_at_quantile(0.99) as f64;
    for (state, latencies) in states {
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|quantile| milliseconds(latencies.value_at_quantile(quantile)));
        let ratio = latencies.value_at_quantile(0.99) as f64 / up_p99;
        let max = milliseconds(latencies.max());
        println!("{state:<8} {:>8} {p50:>8.2} {p99:>8.2} {p999:>8.2} {max:>8.2}   {ratio:.2}x", latencies.len());
    }
}
