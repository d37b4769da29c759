//! The generator against a server that answers as it is told.

use std::time::Duration;

use clap::Parser;
use loadtest::generator::{self, Plan};
use loadtest::load::{Load, Mix, Rate, Users};
use loadtest::null_server::{self, Stall, Workers};
use loadtest::options::Options;
use loadtest::result::Trial;
use loadtest::stage::Stage;
use tokio::net::TcpListener;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    options: Options,
}

/// Accepts every bid. Returns its URL.
async fn server(stall: Option<Stall>, workers: Option<Workers>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(null_server::serve(listener, stall, workers));
    url
}

async fn offer(url: &str, rate: f64, users: Option<Users>, lasts: Duration) -> Trial {
    let options = Command::parse_from(["test", "--target", url, "--threads", "2"]).options;
    let mut stage = Stage::set(&options, "test").await.unwrap();
    let items = stage.fresh_items(1);
    let lasts = lasts.as_micros() as u64;
    let load = Load { rate: Rate::Constant(rate), burst: 0, items, mix: Mix::RISING, begins: 0, lasts, seed: 1 };
    generator::run(Plan { name: "test".to_owned(), load, users }, &stage, None).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_in_which_the_server_stands_still_shows_in_p99() {
    let url = server(Some(Stall { after: Duration::from_secs(4), lasts: Duration::from_secs(1) }), None).await;
    let trial = offer(&url, 200.0, None, Duration::from_secs(10)).await;
    assert_eq!((trial.errors(), trial.unsent), (0, 0));
    // A tenth of the bids came while it stood still, and waited up to a second: 99 of 100 waited less than 0.9 s.
    let p99 = trial.latency.at(0.99).unwrap();
    assert!(p99 > 700.0, "{p99} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_arrival_is_sent_once_by_one_of_the_threads() {
    let url = server(None, None).await;
    let trial = offer(&url, 2_000.0, None, Duration::from_secs(1)).await;
    let bids = trial.bids();
    // Five standard deviations of a Poisson process.
    assert!(bids.abs_diff(2_000) < 225, "{bids}");
    assert_eq!((trial.errors(), trial.accepted.count), (0, bids));
    let users = Users { count: 5, arrive_within: 200_000, think: Duration::from_millis(10) };
    let trial = offer(&url, 0.0, Some(users), Duration::from_secs(1)).await;
    assert_eq!((trial.errors(), trial.users), (0, Some(5)));
    // Who thinks for 10 ms does not ask more than 100 times a second, with some luck.
    assert!((5..750).contains(&trial.bids()), "{}", trial.bids());
}

#[tokio::test(flavor = "multi_thread")]
async fn users_get_no_more_answers_than_the_server_has_time_for() {
    let url = server(None, Some(Workers::start(2, 10_000))).await;
    let users = Users { count: 20, arrive_within: 0, think: Duration::ZERO };
    let trial = offer(&url, 0.0, Some(users), Duration::from_secs(2)).await;
    // Two workers of 10 ms each: 200 a second, and those that the busy time before the end has begun.
    assert!(trial.errors() == 0 && trial.bids() <= 420, "{}", trial.bids());
    // Nine of the twenty stand before each who is worked on.
    let p50 = trial.latency.at(0.5).unwrap();
    assert!(p50 > 90.0, "{p50} ms");
}
