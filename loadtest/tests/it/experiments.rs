//! Each experiment once, as small as can be: its result is whole, checked, and makes a page.

use std::path::{Path, PathBuf};

use clap::{Args, Parser};
use loadtest::result::{Check, Report, Trial};
use loadtest::{coldwarm, contend, fanout, report, resilience};
use local::testing;
use tokio::process::Command;

#[derive(Parser)]
struct Line<A: Args> {
    #[command(flatten)]
    arguments: A,
}

fn parse<A: Args>(words: &str, out: &Path) -> A {
    let out = out.display().to_string();
    let words = ["loadtest"].into_iter().chain(words.split_whitespace()).chain(["--out", &out]);
    Line::parse_from(words).arguments
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("experiments").join(name)
}

fn check(out: &Path, experiment: &str) -> Report {
    let found = Report::read(&out.join(format!("{experiment}.json"))).unwrap();
    assert!(matches!(found.check, Check::Kept { requests, archived } if requests > 0 && archived > 0), "{found:?}");
    assert!(!found.figures.is_empty() && !found.tables.is_empty() && !found.charts.is_empty(), "{found:?}");
    let page = out.join("page.html");
    let arguments = Line::<report::Arguments>::parse_from([
        "report",
        &out.display().to_string(),
        "--out",
        &page.display().to_string(),
    ]);
    report::run(&arguments.arguments).unwrap();
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.contains(experiment) && !html.contains("NaN") && !html.contains("{{"), "{html}");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn contention_is_measured_by_both_loops() {
    let out = folder("contend");
    let words = "--users 1,2,4,8 --repeats 1 --seconds 0.5 --confirm 1 --promise 10000";
    contend::run(&parse(words, &out)).await.unwrap();
    let found = check(&out, "contend");
    assert!(found.trials.iter().any(|trial| trial.users == Some(8)), "{found:?}");
    assert!(found.trials.iter().any(|trial| trial.offered_per_s.is_some()), "{found:?}");
    let beside = found.figures.iter().find(|figure| figure.name == "Highest rate, of a bare loop's").unwrap();
    assert!(beside.value.is_some_and(|percent| percent > 0.0), "{found:?}");
    let of_api = |trial: &Trial| trial.programs_us_per_request.get("api").copied().unwrap_or_default();
    assert!(found.trials.iter().map(of_api).sum::<f64>() > 0.0, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_viewer_gets_every_bid_of_each_step() {
    let out = folder("fanout");
    fanout::run(&parse("--viewers 3,30 --bids 5 --interval 50 --no-floor", &out)).await.unwrap();
    let found = check(&out, "fanout");
    let delivered = found.figures.iter().filter(|figure| figure.name.ends_with("delivered"));
    assert!(delivered.clone().count() == 2 && delivered.clone().all(|figure| figure.value == Some(100.0)), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_viewers_than_a_process_may_open_files_are_spread_over_several() {
    let (out, system) = (folder("fanout-parts"), testing::system().await);
    let mut command = Command::new("prlimit");
    command.args(["--nofile=200:200", env!("CARGO_BIN_EXE_loadtest"), "fanout", "--viewers", "320", "--no-floor"]);
    command.args(["--bids", "5", "--interval", "50", "--target", &system.api_url(), "--relay", &system.relay_url()]);
    let ended = command.arg("--out").arg(&out).output().await.unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let found = Report::read(&out.join("fanout.json")).unwrap();
    let value = |title: &str, column: &str| {
        let table = found.tables.iter().find(|table| table.title == title).unwrap();
        let place = table.columns.iter().position(|name| name == column).unwrap();
        table.rows[0][place].clone()
    };
    // 150 in each: a process needs some for itself.
    assert_eq!(value("What it takes", "processes"), "4", "{found:?}");
    assert_eq!(value("From a bid to its viewers", "frames"), (320 * 5).to_string(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bids_are_placed_while_the_relay_postgres_and_nats_are_down() {
    let out = folder("resilience");
    resilience::run(&parse("--seconds 2 --rate 50 --items 2 --viewers 4", &out)).await.unwrap();
    let found = check(&out, "resilience");
    let missing = found.figures.iter().find(|figure| figure.name == "Accepted bids without a row").unwrap();
    assert_eq!(missing.value, Some(0.0), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bids_meet_cold_and_warm_sandboxes_by_the_headers_of_their_answers() {
    let out = folder("coldwarm");
    coldwarm::run(&parse("--pairs 1 --seconds 1 --rate 50 --burst 4 --provisioned 2 --concurrency 2", &out))
        .await
        .unwrap();
    let found = check(&out, "coldwarm");
    let met = |sandboxes: &str, what: &str| {
        let row = |row: &&Vec<String>| row[0] == sandboxes && row[1] == what;
        found.tables[0].rows.iter().find(row).map_or(0, |row| row[2].parse::<u64>().unwrap())
    };
    assert!(
        met("cold", "cold start") > 0 && met("cold", "warm") > 0 && met("warm", "warm") > 0,
        "{:?}",
        found.tables[0]
    );
}
