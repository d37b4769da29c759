//! What the generator itself can do: against a server that does nothing else than accept, which no system under test is
//! faster than.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::conclude::conclude;
use crate::generator::{self, Plan};
use crate::load::{Load, Mix, Rate, Users};
use crate::options::Options;
use crate::result::{Better, Check, Figure, Measured, Report, Trial};
use crate::shown::{digits, or_unknown, percentiles};
use crate::stage::Stage;

#[derive(Clone, Debug, clap::Args)]
#[command(after_help = crate::options::EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    options: Options,
    /// Who bid at once in the closed loop
    #[arg(long, default_value_t = 50)]
    users: u32,
    /// Bids a second of the open loop
    #[arg(long, default_value_t = 1_000.0)]
    rate: f64,
    /// How long each lasts
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
}

const QUESTION: &str = "What can the generator itself do?";
const START_DEADLINE: Duration = Duration::from_secs(10);

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments { options, users, rate, seconds } = arguments;
    ensure!(*users > 0 && *rate > 0.0 && *seconds > 0.0, "nothing to measure");
    let mut report = Report::new("calibrate", QUESTION, options.seed);
    let mut options = options.clone();
    // A process of its own: what this one takes is the generator's.
    let mut server = None;
    if options.target.is_none() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        drop(listener);
        let mut command = Command::new(std::env::current_exe()?);
        server = Some(command.args(["null-server", "--listen", &address]).kill_on_drop(true).spawn()?);
        until_it_answers(&address).await?;
        options.target = Some(format!("http://{address}"));
    }
    let mut stage = Stage::set(&options, "calibrate").await?;
    let load = |stage: &mut Stage| Load {
        rate: Rate::Constant(*rate),
        burst: 0,
        items: stage.fresh_items(1),
        mix: Mix::RISING,
        begins: 0,
        lasts: (seconds * 1e6) as u64,
        seed: options.seed,
    };
    let closed = Users { count: *users, arrive_within: 0, think: Duration::ZERO };
    let plan = Plan { name: format!("{users} users"), load: load(&mut stage), users: Some(closed) };
    let closed = generator::run(plan, &stage, None).await?;
    let plan = Plan { name: format!("open loop, {rate:.0}/s"), load: load(&mut stage), users: None };
    let open = generator::run(plan, &stage, None).await?;
    tell(&closed, &open, &mut report);
    report.trials = vec![closed, open];
    report.check = Check::Not("the server keeps nothing".to_owned());
    drop(server);
    conclude(&options, &report)
}

async fn until_it_answers(address: &str) -> Result<()> {
    let answers = async {
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(START_DEADLINE, answers).await.context("the server does not start")
}

fn tell(closed: &Trial, open: &Trial, report: &mut Report) {
    report.measured = Measured { p99_ms: open.latency.at(0.99), errors_percent: open.errors_percent() };
    let per_core = 1e6 / closed.cpu_us_per_request;
    report.findings.push(format!(
        "Closed loop: {:.0} bids a second, each for {} µs of processor time, all threads of the generator included: a whole \
         core is enough for {per_core:.0} bids a second.",
        closed.answered_per_s,
        digits(closed.cpu_us_per_request)
    ));
    report.findings.push(format!(
        "Open loop: p50 {}, p99 {} from when bids were due, of which lateness of sending is {} (p99).",
        or_unknown(open.latency.at(0.5), "ms"),
        or_unknown(open.latency.at(0.99), "ms"),
        or_unknown(open.send_lag.at(0.99), "ms")
    ));
    report.figures.push(Figure::new("Processor time of a bid", closed.cpu_us_per_request, "µs", Better::Lower));
    report.figures.push(Figure::new("A core is enough for", per_core, "bids/s", Better::Higher));
    report.figures.push(Figure::new("Closed loop", closed.answered_per_s, "bids/s", Better::Higher));
    report.figures.push(Figure::new("Open loop, p99", open.latency.at(0.99), "ms", Better::Lower));
    report.charts.push(percentiles("Latency of the generator and a server that does nothing", [closed, open]));
    report.validity.reasons.extend(open.validity.reasons.iter().cloned());
}
