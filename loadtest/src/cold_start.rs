//! How large the functions are, and how long a cold start takes: from the start of the process to its first question for
//! an event, and to the answer of its first bid.

use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use local::{Api, Name, Settings, System};

use crate::bidders::{Bidders, Latencies, empty};
use crate::reports;

#[derive(clap::Args)]
pub struct Arguments {
    /// Cold starts of `place-bid`
    #[arg(long, default_value_t = 200)]
    starts: u64,
}

/// The end of one sandbox must not be in the way of the next one's start.
const PAUSE: Duration = Duration::from_millis(20);

const BINARIES: [&str; 3] = ["place-bid", "items", "api"];

pub async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    ensure!(arguments.starts > 0, "nothing to measure");
    sizes()?;
    let alone = tokio::task::block_in_place(|| starts_alone(arguments.starts))?;
    let folder = tempfile::tempdir()?;
    let reports = folder.path().join("reports");
    let stores = [Name::Redis, Name::Nats, Name::Postgres, Name::ArchivalWorker, Name::Api];
    let mut settings = Settings::temporary(&stores)?;
    settings.api = Api::Lambda;
    settings.environment.push(("SANDBOX_REPORTS", reports.display().to_string()));
    // No sandbox lives to see a second event.
    settings.environment.push(("SANDBOX_IDLE_MS", "0".to_owned()));
    let system = System::start(settings).await?;
    let mut bidders = Bidders::new(system.api_url(), 1);
    bidders.bid(5).await.context("warm-up")?;
    let mut bids = empty()?;
    for _ in 0..arguments.starts {
        tokio::time::sleep(PAUSE).await;
        bids.add(bidders.bid(1).await?)?;
    }
    system.stop().await?;
    let Starts { init, first_event } = starts(&reports, arguments.starts)?;
    report(&[
        ("started alone, one after another, to its first question", &alone),
        ("started in a sandbox, to its first question", &init),
        ("its first event to the answer", &first_event),
        ("the whole bid, as its client sees it", &bids),
    ]);
    Ok(())
}

/// Starts the program over and over, with nothing else going on, until it asks a Runtime API for its first event.
fn starts_alone(count: u64) -> anyhow::Result<Latencies> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut starts = empty()?;
    for _ in 0..count {
        let mut command = Command::new(beside_this("place-bid")?);
        command.env_clear().stderr(Stdio::null());
        for name in ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] {
            command.env(name, "512");
        }
        command.env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string());
        let started = Instant::now();
        let mut child = command.spawn()?;
        let (mut connection, _) = listener.accept()?;
        connection.read_exact(&mut [0; 3])?;
        starts.saturating_record(started.elapsed().as_micros() as u64);
        child.kill()?;
        child.wait()?;
    }
    Ok(starts)
}

/// A program of this workspace.
fn beside_this(name: &str) -> anyhow::Result<PathBuf> {
    Ok(std::env::current_exe()?.parent().context("no folder")?.join(name))
}

struct Starts {
    init: Latencies,
    first_event: Latencies,
}

/// What the reports say of the last `count` events of `place-bid`.
fn starts(reports: &Path, count: u64) -> anyhow::Result<Starts> {
    let mut starts = Starts { init: empty()?, first_event: empty()? };
    let microseconds = |milliseconds: f64| (milliseconds * 1_000.0) as u64;
    for invocation in reports::of_function("place-bid", reports)?.iter().rev().take(count as usize) {
        let init_ms = invocation.metrics.init_duration_ms.context("a start that was not cold")?;
        starts.init.saturating_record(microseconds(init_ms));
        starts.first_event.saturating_record(microseconds(invocation.metrics.duration_ms));
    }
    ensure!(starts.init.len() == count, "{} of {count} starts were reported", starts.init.len());
    Ok(starts)
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
fn sizes() -> anyhow::Result<()> {
    println!("{:<12} {:>12} {:>12}   KiB, without debugging information", "binary", "size", "gzip -9");
    let stripped = tempfile::NamedTempFile::new()?;
    for name in BINARIES {
        let words = ["--strip-debug", "-o"].map(std::ffi::OsStr::new);
        let strip = Command::new("strip").args(words).arg(stripped.path()).arg(beside_this(name)?).status();
        ensure!(strip.context("strip, of the package binutils")?.success(), "{name} cannot be stripped");
        let size = stripped.path().metadata()?.len();
        let zipped =
            Command::new("gzip").args(["-9", "--stdout"]).arg(stripped.path()).stdin(Stdio::null()).output()?;
        println!("{name:<12} {:>12} {:>12}", size / 1024, zipped.stdout.len() / 1024);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
fn report(rows: &[(&str, &Latencies)]) {
    println!("\n{:<56} {:>6} {:>8} {:>8} {:>8}   milliseconds", "cold starts of place-bid", "n", "p50", "p95", "max");
    for (name, latencies) in rows {
        let milliseconds = |microseconds: u64| microseconds as f64 / 1_000.0;
        let [p50, p95] = [0.5, 0.95].map(|quantile| milliseconds(latencies.value_at_quantile(quantile)));
        println!("{name:<56} {:>6} {p50:>8.2} {p95:>8.2} {:>8.2}", latencies.len(), milliseconds(latencies.max()));
    }
}
