//! What it costs to run a bid through a sandbox, or through `cargo lambda watch`, instead of in one process.

mod report;

use anyhow::{Context, ensure};
use local::{Api, Name, Settings, System};

use self::report::report;
use crate::bid_loop::without_archive;
use crate::bidders::{Bidders, Latencies, empty};
use crate::machine::{Programs, Times};
use crate::stage::beside;

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

struct Way {
    name: &'static str,
    api: Api,
    /// Events in one sandbox at once.
    concurrency: u32,
}

/// In the order of the rows.
const WAYS: [Way; 4] = [
    Way { name: "one process", api: Api::Api, concurrency: 1 },
    Way { name: "sandboxes", api: Api::Lambda, concurrency: 1 },
    Way { name: "concurrent sandboxes", api: Api::Lambda, concurrency: 16 },
    Way { name: "cargo lambda watch", api: Api::Watch, concurrency: 1 },
];

/// One way of answering with one number of clients: all latencies, the mean of each round, and who took the processors.
struct Measured {
    all: Latencies,
    round_means: Vec<f64>,
    taken: Times,
}

pub async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { rounds, bids, clients } = arguments;
    ensure!(*rounds > 0 && *bids > 0 && clients.iter().all(|&clients| clients > 0), "nothing to measure");
    ensure!(clients.iter().all(|&clients| clients < 90), "`cargo lambda watch` stops for good at 100 waiting requests");
    let stores = [Name::Redis, Name::Nats, Name::Postgres, Name::ArchivalWorker];
    let stores = without_archive(Settings::temporary(&stores)?).await?;
    let mut systems = Vec::new();
    for way in &WAYS {
        eprintln!("starting {}", way.name);
        systems.push(start(&stores, way).await.context(way.name)?);
    }
    for &clients in clients {
        report(clients, &all_rounds(arguments, clients, &systems).await?);
    }
    for system in systems {
        system.stop().await?;
    }
    stores.stop().await
}

async fn all_rounds(arguments: &Arguments, clients: usize, systems: &[System]) -> anyhow::Result<Vec<Measured>> {
    let Arguments { rounds, bids, .. } = arguments;
    let mut measured = Vec::new();
    let mut bidders: Vec<_> = systems.iter().map(|system| Bidders::new(system.api_url(), clients)).collect();
    for (number, bidders) in bidders.iter_mut().enumerate() {
        measured.push(Measured { all: empty()?, round_means: Vec::new(), taken: Times::default() });
        // Each way of answering has its own items, and rising prices on them.
        bidders.prefix(format!("cost_{clients}_{number}"));
        bidders.bid(200_u64.div_ceil(clients as u64)).await.context("warm-up")?;
    }
    for round in 1..=*rounds {
        eprintln!("{clients} clients, round {round} of {rounds}");
        for number in 0..systems.len() {
            // Another one begins in every round.
            let number = (number + round as usize) % systems.len();
            let before = Programs::now();
            let latencies = bidders[number].bid(bids.div_ceil(clients as u64)).await?;
            let measured = &mut measured[number];
            measured.taken.add(Programs::now().since(&before));
            measured.round_means.push(latencies.mean());
            measured.all.add(latencies)?;
        }
    }
    Ok(measured)
}

async fn start(stores: &System, way: &Way) -> anyhow::Result<System> {
    let mut settings = beside(stores)?;
    settings.api = way.api;
    settings.environment.push(("SANDBOX_CONCURRENCY", way.concurrency.to_string()));
    System::start(settings).await
}
