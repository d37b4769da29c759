//! What all experiments may be told.

use std::path::PathBuf;
use std::process::ExitCode;

use local::Api;

use crate::result::{Check, Report};

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Measures this server, such as https://auction.example, in place of a system that is started for the run and
    /// stopped after it. What it has archived and who else uses its machine cannot be looked at then
    #[arg(long, value_name = "URL")]
    pub target: Option<String>,
    /// What answers HTTP in the system that is started
    #[arg(long, value_enum, default_value_t = Api::Api)]
    pub api: Api,
    /// The same seed has the same arrivals, bidders and order of trials
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads that generate load
    #[arg(long, default_value_t = 1)]
    pub threads: u32,
    /// Leaves out the checker, which holds every answer against what was archived when all is over
    #[arg(long)]
    pub no_check: bool,
    /// Exit code 4 unless the 99th percentile is below this
    #[arg(long, value_name = "MS")]
    pub p99_below: Option<f64>,
    /// Exit code 4 unless fewer requests than this fail
    #[arg(long, value_name = "PERCENT")]
    pub errors_below: Option<f64>,
    /// The folder of the results: `EXPERIMENT.json`, which `loadtest report` makes a page of
    #[arg(long, default_value = ".local/experiments")]
    pub out: PathBuf,
}

/// For `--help`.
pub const EXIT_CODES: &str = "Exit codes: 0 all is well · 1 it could not be measured · 2 wrong arguments · 3 a promise was \
broken · 4 a threshold was missed · 5 a threshold was asked for, and the measurement is invalid";

const BROKEN: u8 = 3;
const MISSED: u8 = 4;
const INVALID: u8 = 5;

impl Options {
    /// What the report comes to, as an exit code, and in words where it is not 0.
    pub fn verdict(&self, report: &Report) -> (ExitCode, Vec<String>) {
        let mut words = Vec::new();
        let mut code = 0;
        let measured = report.measured;
        let asks = self.p99_below.is_some() || self.errors_below.is_some();
        if asks && !report.validity.is_valid() {
            code = INVALID;
            words.push("no threshold can be held against an invalid measurement".to_owned());
        }
        if let Some(most) = self.p99_below.filter(|most| measured.p99_ms.is_none_or(|p99| p99 >= *most)) {
            code = MISSED;
            let found = measured.p99_ms.map_or("unknown".to_owned(), |p99| format!("{p99:.2} ms"));
            words.push(format!("the 99th percentile is {found}, and should be below {most} ms"));
        }
        if let Some(most) = self.errors_below.filter(|most| measured.errors_percent >= *most) {
            code = MISSED;
            words.push(format!(
                "{:.3} % of the requests failed, and it should be below {most}",
                measured.errors_percent
            ));
        }
        if let Check::Broken { cases, record } = &report.check {
            code = BROKEN;
            words.push(format!("promises were broken, {cases} times; the record is in {record}"));
        }
        (ExitCode::from(code), words)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::result::{Measured, Validity};

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        options: Options,
    }

    fn check(words: &str, change: impl FnOnce(&mut Report), code: u8) {
        let options = Command::parse_from(std::iter::once("test").chain(words.split_whitespace())).options;
        let mut report = Report::new("test", "", 1);
        report.measured = Measured { p99_ms: Some(20.0), errors_percent: 0.5 };
        change(&mut report);
        assert_eq!(format!("{:?}", options.verdict(&report).0), format!("{:?}", ExitCode::from(code)), "{words}");
    }

    #[test]
    fn each_way_to_fail_has_its_exit_code() {
        check("", |_| {}, 0);
        check("--p99-below 21 --errors-below 1", |_| {}, 0);
        check("--p99-below 20", |_| {}, MISSED);
        check("--errors-below 0.5", |_| {}, MISSED);
        check("--p99-below 21", |report| report.measured.p99_ms = None, MISSED);
        let invalid = |report: &mut Report| report.validity = Validity { reasons: vec![String::new()] };
        check("", invalid, 0);
        check("--p99-below 21", invalid, INVALID);
        check("", |report| report.check = Check::Broken { cases: 1, record: String::new() }, BROKEN);
    }
}
