//! What a bidder notices when NATS or PostgreSQL is away or stands still: nothing, is the promise.

use std::time::Duration;

use anyhow::{Context, ensure};
use local::{Api, Name, Settings, System};

use crate::bidders::{Bidders, Latencies, empty};

#[derive(clap::Args)]
pub struct Arguments {
    /// How often each state comes, in turn
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Bids of each bidder in each state of each round
    #[arg(long, default_value_t = 500)]
    bids: u64,
    /// Bidders, each on an item of its own and with one bid under way
    #[arg(long, default_value_t = 4)]
    bidders: usize,
}

/// How long everything may take to be as before a fault.
const RECOVERY_DEADLINE: Duration = Duration::from_secs(60);

/// The promise: at most so many times the 99th percentile with everything up, and a little more.
const P99_RATIO_MAX: f64 = 1.5;
const P99_EXCESS: Duration = Duration::from_millis(5);

const FAULTS: [(&str, &str, Fault); 4] = [
    ("NATS killed", "bidding-nats", Fault::Killed),
    ("NATS frozen", "bidding-nats", Fault::Frozen),
    ("PostgreSQL killed", "bidding-postgres", Fault::Killed),
    ("PostgreSQL frozen", "bidding-postgres", Fault::Frozen),
];

#[derive(Clone, Copy)]
enum Fault {
    Killed,
    Frozen,
}

pub async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { rounds, bids, bidders } = *arguments;
    ensure!(rounds > 0 && bids > 0 && bidders > 0, "nothing to measure");
    let mut settings = Settings::temporary(&Name::ALL)?;
    settings.api = Api::Api;
    let system = System::start(settings).await?;
    let mut bidders = Bidders::new(system.api_url(), bidders);
    let mut up = empty()?;
    let mut faulty = Vec::new();
    for _ in FAULTS {
        faulty.push(empty()?);
    }
    bidders.bid(bids).await.context("warm-up")?;
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for ((name, server, fault), latencies) in FAULTS.into_iter().zip(&mut faulty) {
            // As often as each fault, and each time just before one.
            up.add(bidders.bid(bids / FAULTS.len() as u64).await.context("everything up")?)?;
            let server = system.server(server);
            match fault {
                Fault::Killed => server.kill().await?,
                Fault::Frozen => server.pause()?,
            }
            latencies.add(bidders.bid(bids).await.context(name)?)?;
            match fault {
                Fault::Killed => server.start().await?,
                Fault::Frozen => server.resume()?,
            }
            until_recovered(&system).await?;
        }
    }
    report(&up, &faulty);
    system.stop().await
}

/// Waits until the api is connected to NATS again, and everything is archived.
async fn until_recovered(system: &System) -> anyhow::Result<()> {
    let (api, worker) = (format!("{}/ready", system.api_url()), format!("{}/metrics", system.worker_url()));
    let recovered = async {
        loop {
            let ready: serde_json::Value = reqwest::get(&api).await?.json().await?;
            let metrics = reqwest::get(&worker).await?.text().await?;
            if ready["nats"] == "up" && metrics.contains("archival_worker_outbox_length 0\n") {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(RECOVERY_DEADLINE, recovered).await.context("the system does not recover")?
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
fn report(up: &Latencies, faulty: &[Latencies]) {
    println!("bid latency, closed loop, milliseconds\n");
    println!("{:<18} {:>8} {:>8} {:>8} {:>8} {:>8}   p99 to up", "", "bids", "p50", "p99", "p99.9", "max");
    let milliseconds = |microseconds: u64| microseconds as f64 / 1_000.0;
    let up_p99 = up.value_at_quantile(0.99) as f64;
    let allowed = up_p99 * P99_RATIO_MAX + P99_EXCESS.as_micros() as f64;
    let states = [("everything up", up)].into_iter().chain(FAULTS.iter().map(|(name, ..)| *name).zip(faulty));
    for (state, latencies) in states {
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|quantile| milliseconds(latencies.value_at_quantile(quantile)));
        let found = latencies.value_at_quantile(0.99) as f64;
        let (ratio, max) = (found / up_p99, milliseconds(latencies.max()));
        let verdict = if found <= allowed { "within" } else { "ABOVE" };
        println!(
            "{state:<18} {:>8} {p50:>8.2} {p99:>8.2} {p999:>8.2} {max:>8.2}   {ratio:.2}x, {verdict} 1.5x + 5 ms",
            latencies.len()
        );
    }
}
