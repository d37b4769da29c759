//! What the `api` process costs: its bids beside a bare loop that calls the same script through the same Redis client, for
//! each bid or as `api` does for those that come at once, and beside the same HTTP stack answering something constant, in
//! one run.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ledger::{Coalescer, Ledger};
use local::{Api, Name, Role, Settings};

use crate::bid_loop::{Answers, BidLoop, Bids, Way, without_archive};
use crate::bidders::{Latencies, empty};
use crate::machine::{Programs, Times};
use crate::statistics::median;

#[derive(clap::Args)]
pub struct Arguments {
    /// How often each way comes, in turn
    #[arg(long, default_value_t = 7)]
    rounds: u32,
    /// How long it lasts each time, in seconds
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// How many clients bid at once, all on one item and each with one bid under way
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 128])]
    clients: Vec<u32>,
    /// What they bid
    #[arg(long, value_enum, default_value_t = Bids::AboveAll)]
    bids: Bids,
    /// With an idempotency key for each bid
    #[arg(long)]
    keys: bool,
}

const WAYS: usize = 4;
const NAMES: [&str; WAYS] = ["bare script loop", "the same, coalesced", "bids through api", "api, constant"];

pub async fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { rounds, seconds, clients, .. } = arguments;
    ensure!(*rounds > 0 && *seconds > 0.0 && clients.iter().all(|&clients| clients > 0), "nothing to measure");
    let mut settings =
        Settings::temporary(&[Name::Redis, Name::Nats, Name::Postgres, Name::ArchivalWorker, Name::Api])?;
    settings.api = Api::Api;
    let system = without_archive(settings).await?;
    let ledger = Ledger::new(&system.server("bidding-redis").url_of(Role::Functions))?;
    let api = system.addresses().api;
    let coalesced = Way::Coalesced(Coalescer::new(ledger.clone(), true));
    let ways = [Way::Script(ledger), coalesced, Way::Api(api), Way::Constant(api)];
    let mut highest = [(0.0, 0); WAYS];
    for &clients in clients {
        let measured = all_rounds(arguments, clients, &ways).await?;
        report(clients, &measured);
        for (highest, way) in highest.iter_mut().zip(&measured) {
            let rate = median(way.rates.clone());
            if rate > highest.0 {
                *highest = (rate, clients);
            }
        }
    }
    report_highest(highest);
    system.stop().await
}

/// Of one way, the rounds.
struct Measured {
    rates: Vec<f64>,
    latencies: Latencies,
    accepted: u64,
    /// For all answers.
    taken: Times,
}

/// What is shown of it.
const PROGRAMS: [&str; 4] = ["loadtest", "api", "redis-server", "nats-server"];

async fn all_rounds(arguments: &Arguments, clients: u32, ways: &[Way; WAYS]) -> Result<Vec<Measured>> {
    let Arguments { rounds, seconds, bids, keys, .. } = arguments;
    let nothing = |_| Ok(Measured { rates: Vec::new(), latencies: empty()?, accepted: 0, taken: Times::default() });
    let mut measured = (0..ways.len()).map(nothing).collect::<Result<Vec<_>>>()?;
    // The first round is a warm-up.
    for round in 0..=*rounds {
        eprintln!("{clients} clients, round {round} of {rounds}");
        for number in 0..ways.len() {
            // Another one begins in every round.
            let number = (number + round as usize) % ways.len();
            let mut bidding = BidLoop::new(ways[number].clone(), *bids, &format!("contended_{clients}_{number}"))?;
            if *keys {
                bidding = bidding.with_keys();
            }
            let before = Programs::now();
            let Answers { latencies, accepted } =
                bidding.run(clients, Duration::from_secs_f64(*seconds)).await.context(NAMES[number])?;
            let taken = Programs::now().since(&before);
            if round > 0 {
                let way = &mut measured[number];
                way.rates.push(latencies.len() as f64 / seconds);
                way.latencies.add(latencies)?;
                way.accepted += accepted;
                way.taken.add(taken);
            }
        }
    }
    Ok(measured)
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
fn report(clients: u32, measured: &[Measured]) {
    println!(
        "\n{clients} clients on one item, closed loop; medians of the rounds, ms; processor time of an answer, µs"
    );
    println!(
        "{:<19} {:>10} {:>8} {:>7} {:>7} {:>12} {:>8} {:>5} {:>6} {:>5}",
        "", "answers/s", "accepted", "p50", "p99", "to the loop", "clients", "api", "Redis", "NATS"
    );
    for (name, Measured { rates, latencies, accepted, taken }) in NAMES.iter().zip(measured) {
        let [p50, p99] = [0.5, 0.99].map(|quantile| latencies.value_at_quantile(quantile) as f64 / 1_000.0);
        let ratios = rates.iter().zip(&measured[0].rates).map(|(rate, bare)| rate / bare).collect();
        let (rate, ratio) = (median(rates.clone()), median(ratios));
        let share = *accepted as f64 * 100.0 / latencies.len().max(1) as f64;
        let each = taken.us_each(latencies.len());
        let [own, api, redis, nats] = PROGRAMS.map(|program| each.get(program).copied().unwrap_or_default());
        println!(
            "{name:<19} {rate:>10.0} {share:>7.0}% {p50:>7.3} {p99:>7.3} {ratio:>12.2} {own:>8.1} {api:>5.1} {redis:>6.1} {nats:>5.1}"
        );
    }
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
fn report_highest(highest: [(f64, u32); WAYS]) {
    println!("\nHighest rates, each with as many clients as suit it");
    for (name, (rate, clients)) in NAMES.iter().zip(highest) {
        println!("{name:<19} {rate:>10.0} with {clients:>3} clients   {:.2} of the bare loop", rate / highest[0].0);
    }
    let [(bare, _), _, (api, _), (constant, _)] = highest;
    // What takes the time of both takes the sum of their times.
    let together = 1.0 / (1.0 / bare + 1.0 / constant);
    println!("{:<19} {together:>10.0}: bids through api reach {:.2} of it", "one and the other", api / together);
}
