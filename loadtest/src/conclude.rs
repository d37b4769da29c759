//! The end of an experiment: its result is written and told, and held against the thresholds.

use std::process::ExitCode;

use anyhow::Result;

use crate::options::Options;
use crate::result::Report;

#[expect(clippy::print_stdout, reason = "the findings are the command's output")]
pub fn conclude(options: &Options, report: &Report) -> Result<ExitCode> {
    let path = options.out.join(format!("{}.json", report.experiment));
    report.write(&path)?;
    println!("{}", report.question);
    for finding in &report.findings {
        println!("- {finding}");
    }
    for reason in &report.validity.reasons {
        println!("- INVALID: {reason}");
    }
    println!("{}", path.display());
    let (code, words) = options.verdict(report);
    for word in words {
        eprintln!("{word}");
    }
    Ok(code)
}

/// Trials that do not count, in words: the measurement as a whole is invalid if they are more than a few.
pub fn count_invalid(report: &mut Report) {
    const SHARE_MAX: f64 = 0.2;
    let invalid: Vec<_> = report.trials.iter().filter(|trial| !trial.validity.is_valid()).collect();
    if invalid.is_empty() {
        return;
    }
    let (count, of) = (invalid.len(), report.trials.len());
    let example = format!("{}: {}", invalid[0].name, invalid[0].validity.reasons.join("; "));
    let words = format!("{count} of {of} trials are invalid, such as {example}");
    if count as f64 > of as f64 * SHARE_MAX {
        report.validity.reasons.push(words);
    } else {
        report.findings.push(format!("{words}."));
    }
}
