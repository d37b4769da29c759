//! What it costs to run a bid through a sandbox, or through `cargo lambda watch`, instead of in one process.

use anyhow::{Context, ensure};
use local::{Addresses, Api, Name, Settings, System};

use crate::bid_loop::without_archive;
use crate::bidders::{Bidders, Latencies, empty};
use crate::statistics::median;

#[derive(clap::Args)]
pub struct Arguments {
    /// How often each combination comes, in turn
    #[arg(long, default_value_t = 7)]
    rounds: u32,
    /// Bids in each combination of each round, over all clients
    #[arg(long, default_value_t = 2_000)]
    bids: u64,
    /// How many clients bid at once, each on an item of its own and with one bid under way. `cargo lambda watch` stops for
    /// good at 100 waiting requests
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4, 16])]
    clients: Vec<usize>,
}

/// In the order of the columns.
const APIS: [(Api, &str); 3] =
    [(Api::Api, "one process"), (Api::Lambda, "sandboxes"), (Api::Watch, "cargo lambda watch")];

/// The latencies of one way of answering with one number of clients: all of them, and the mean of each round.
struct Measured {
    all: Latencies,
    round_means: Vec<f64>,
}

pub async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { rounds, bids, clients } = arguments;
    ensure!(*rounds > 0 && *bids > 0 && clients.iter().all(|&clients| clients > 0), "nothing to measure");
    ensure!(clients.iter().all(|&clients| clients < 90), "`cargo lambda watch` stops for good at 100 waiting requests");
    let stores = [Name::Redis, Name::Nats, Name::Postgres, Name::ArchivalWorker];
    let stores = without_archive(Settings::temporary(&stores)?).await?;
    let mut apis = Vec::new();
    for (api, name) in APIS {
        eprintln!("starting {name}");
        apis.push(beside(&stores, api).await.context(name)?);
    }
    for &clients in clients {
        let mut measured = Vec::new();
        for _ in &apis {
            measured.push(Measured { all: empty()?, round_means: Vec::new() });
        }
        let mut bidders: Vec<_> = apis.iter().map(|api| Bidders::new(api.api_url(), clients)).collect();
        for (number, bidders) in bidders.iter_mut().enumerate() {
            // Each way of answering has its own items, and rising prices on them.
            bidders.prefix(format!("cost_{clients}_{number}"));
            bidders.bid(200_u64.div_ceil(clients as u64)).await.context("warm-up")?;
        }
        for round in 1..=*rounds {
            eprintln!("{clients} clients, round {round} of {rounds}");
            for number in 0..apis.len() {
                // Another one begins in every round.
                let number = (number + round as usize) % apis.len();
                let latencies = bidders[number].bid(bids.div_ceil(clients as u64)).await?;
                measured[number].round_means.push(latencies.mean());
                measured[number].all.add(latencies)?;
            }
        }
        report(clients, &measured);
    }
    for api in apis {
        api.stop().await?;
    }
    stores.stop().await
}

/// One more way of answering before the same stores.
async fn beside(stores: &System, api: Api) -> anyhow::Result<System> {
    let mut settings = Settings::temporary(&[Name::Api])?;
    settings.addresses = Addresses { api: settings.addresses.api, ..stores.addresses().clone() };
    settings.api = api;
    System::start(settings).await
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
fn report(clients: usize, measured: &[Measured]) {
    println!("\n{clients} clients, closed loop, milliseconds");
    println!("{:<20} {:>8} {:>8} {:>8} {:>8} {:>8} {:>14}", "", "bids/s", "mean", "p50", "p99", "max", "mean above");
    for ((_, name), Measured { all, round_means }) in APIS.iter().zip(measured) {
        let quantile = |quantile| all.value_at_quantile(quantile) as f64 / 1_000.0;
        let above: Vec<_> = round_means.iter().zip(&measured[0].round_means).map(|(one, base)| one - base).collect();
        println!(
            "{name:<20} {:>8.0} {:>8.3} {:>8.3} {:>8.3} {:>8.3} {:>14.3}",
            clients as f64 * 1e6 / all.mean(),
            all.mean() / 1_000.0,
            quantile(0.5),
            quantile(0.99),
            all.max() as f64 / 1_000.0,
            median(above) / 1_000.0,
        );
    }
    let [process, sandboxes, watch] = [0, 1, 2].map(|number: usize| &measured[number].round_means);
    let ratios = process.iter().zip(sandboxes).zip(watch);
    let ratios = ratios.map(|((process, sandboxes), watch)| (sandboxes - process) / (watch - process)).collect();
    println!("what sandboxes add, to what cargo lambda watch adds, median of the rounds: {:.2}", median(ratios));
}
