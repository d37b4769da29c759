//! What the `api` process costs: its bids beside a bare loop that calls the same script through the same Redis client, and
//! beside the same HTTP stack answering something constant, in one run.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use auction::{Amount, Bid, ItemId, UserId};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, StatusCode};
use ledger::{Ledger, NewIds};
use local::{Api, Name, Role, Settings, System};
use tokio::task::JoinSet;

use crate::bidders::{Latencies, empty};
use crate::http::{Answer, Connection, Target};
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
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    clients: Vec<u32>,
}

/// How an answer is come by.
#[derive(Clone)]
enum Way {
    Script(Ledger),
    Api(SocketAddr),
    Constant(SocketAddr),
}

const NAMES: [&str; 3] = ["bare script loop", "bids through api", "api, constant"];

pub async fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { rounds, seconds, clients } = arguments;
    ensure!(*rounds > 0 && *seconds > 0.0 && clients.iter().all(|&clients| clients > 0), "nothing to measure");
    let mut settings =
        Settings::temporary(&[Name::Redis, Name::Nats, Name::Postgres, Name::ArchivalWorker, Name::Api])?;
    settings.api = Api::Api;
    let system = System::start(settings).await?;
    // Bids are open by now. Archiving them takes as much of the machine as judging them, and is not what is measured.
    for server in ["bidding-archival-worker", "bidding-postgres"] {
        system.server(server).stop().await?;
    }
    let ledger = Ledger::new(&system.server("bidding-redis").url_of(Role::Functions))?;
    let api = system.addresses().api;
    let ways = [Way::Script(ledger), Way::Api(api), Way::Constant(api)];
    for &clients in clients {
        let mut measured = [Vec::new(), Vec::new(), Vec::new()];
        let mut latencies = [empty()?, empty()?, empty()?];
        // The first round is a warm-up.
        for round in 0..=*rounds {
            eprintln!("{clients} clients, round {round} of {rounds}");
            for number in 0..ways.len() {
                // Another one begins in every round.
                let number = (number + round as usize) % ways.len();
                let item = ItemId::parse(&format!("contended_{clients}_{number}"))?;
                let loads = Loop { way: ways[number].clone(), item, price: Arc::default() };
                let answered =
                    loads.run(clients, round, Duration::from_secs_f64(*seconds)).await.context(NAMES[number])?;
                if round > 0 {
                    measured[number].push(answered.len() as f64 / seconds);
                    latencies[number].add(answered)?;
                }
            }
        }
        report(clients, &measured, &latencies);
    }
    system.stop().await
}

/// A closed loop: each client has its next bid as soon as the last one is answered.
#[derive(Clone)]
struct Loop {
    way: Way,
    item: ItemId,
    /// The highest that anybody has bid, in minor units.
    price: Arc<AtomicU64>,
}

impl Loop {
    async fn run(&self, clients: u32, round: u32, lasts: Duration) -> Result<Latencies> {
        // Above all that the rounds before have bid.
        self.price.store(u64::from(round) * 1_000_000_000, Ordering::Relaxed);
        let ends = Instant::now() + lasts;
        let mut running = JoinSet::new();
        for client in 0..clients {
            let (own, user) = (self.clone(), UserId::parse(&format!("user{client}"))?);
            running.spawn(async move { own.client(user, ends).await });
        }
        let mut all = empty()?;
        while let Some(one) = running.join_next().await {
            all.add(one.context("a client panicked")??)?;
        }
        Ok(all)
    }

    async fn client(&self, user: UserId, ends: Instant) -> Result<Latencies> {
        let mut latencies = empty()?;
        let mut connection = match &self.way {
            Way::Script(_) => None,
            Way::Api(server) | Way::Constant(server) => Some(Connection::open(&Target::plain(*server)).await?),
        };
        while Instant::now() < ends {
            let amount = Amount::from_minor_units(self.price.fetch_add(1, Ordering::Relaxed) + 1);
            let bid = Bid {
                item: self.item.clone(),
                user: user.clone(),
                amount: amount.context("the price is too high")?,
                idempotency_key: None,
            };
            let sent = Instant::now();
            match (&self.way, &mut connection) {
                (Way::Script(ledger), _) => drop(ledger.place_bid(&bid, NewIds::random(), true).await?),
                (Way::Api(_), Some(connection)) => {
                    let Answer { status, body, .. } = connection.send(request(&bid)?).await?;
                    ensure!(status == StatusCode::CREATED || status == StatusCode::OK, "{status}: {body:?}");
                }
                (_, Some(connection)) => {
                    let health = Request::get("/health").header("host", "api").body(Full::default())?;
                    ensure!(connection.send(health).await?.status == StatusCode::OK, "unhealthy");
                }
                (_, None) => {}
            }
            latencies.saturating_record(sent.elapsed().as_micros() as u64);
        }
        Ok(latencies)
    }
}

fn request(bid: &Bid) -> Result<Request<Full<Bytes>>> {
    let body = format!(r#"{{"user_id":"{}","amount":{}}}"#, bid.user, bid.amount);
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("/api/v1/items/{}/bid", bid.item))
        .header("host", "api")
        .header("content-type", "application/json");
    Ok(request.body(Full::from(body))?)
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
fn report(clients: u32, measured: &[Vec<f64>; 3], latencies: &[Latencies; 3]) {
    println!("\n{clients} clients on one item, closed loop; medians of the rounds, milliseconds");
    println!("{:<20} {:>10} {:>8} {:>8}   to the bare loop, round by round", "", "answers/s", "p50", "p99");
    for ((name, rates), latencies) in NAMES.iter().zip(measured).zip(latencies) {
        let [p50, p99] = [0.5, 0.99].map(|quantile| latencies.value_at_quantile(quantile) as f64 / 1_000.0);
        let ratios = rates.iter().zip(&measured[0]).map(|(rate, bare)| rate / bare).collect();
        println!("{name:<20} {:>10.0} {p50:>8.3} {p99:>8.3}   {:.2}", median(rates.clone()), median(ratios));
    }
}
