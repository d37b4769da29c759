//! Two runs beside each other.

use std::fmt::Write;
use std::path::PathBuf;

use crate::chart::escaped;
use crate::result::{Better, Figure, Report};
use crate::shown::{digits, or_unknown};

/// Nothing, if there is nothing to compare with.
pub(super) fn comparison(reports: &[(PathBuf, Report)], others: &[(PathBuf, Report)]) -> String {
    let mut rows = String::new();
    for (_, report) in reports {
        let Some((_, other)) = others.iter().find(|(_, other)| other.experiment == report.experiment) else { continue };
        let _ = write!(
            rows,
            r#"<tr><th colspan="5">{}: {} against {}{}</th></tr>"#,
            report.experiment,
            escaped(&report.revision),
            escaped(&other.revision),
            differing(report, other)
        );
        for figure in &report.figures {
            if let Some(before) = other.figures.iter().find(|before| before.name == figure.name) {
                rows.push_str(&row(before, figure));
            }
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    format!(
        r#"<h2>Compared with another run</h2><div class="scroll"><table><tr><th></th><th>before</th><th>now</th><th>change</th><th></th></tr>{rows}</table></div>
<p class="quiet">A difference is certain where the 95 % intervals of both do not touch; without intervals nothing is said.</p>"#
    )
}

/// What makes a comparison doubtful.
fn differing(report: &Report, other: &Report) -> String {
    let mut words = String::new();
    if report.machine != other.machine {
        words.push_str(", on another machine");
    }
    if report.parameters != other.parameters {
        words.push_str(", with other parameters");
    }
    if !report.validity.is_valid() || !other.validity.is_valid() {
        words.push_str(", and not both are valid");
    }
    words
}

fn row(before: &Figure, now: &Figure) -> String {
    let change = before.value.zip(now.value).filter(|(before, _)| *before != 0.0);
    let change = change.map_or("–".to_owned(), |(before, now)| format!("{:+.0} %", (now / before - 1.0) * 100.0));
    format!(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{change}</td><td>{}</td></tr>",
        escaped(&now.name),
        shown(before),
        shown(now),
        verdict(before, now)
    )
}

pub(super) fn shown(figure: &Figure) -> String {
    let value = or_unknown(figure.value, &figure.unit);
    match figure.interval {
        Some([low, high]) => escaped(&format!("{value} ({} to {})", digits(low), digits(high))),
        None => escaped(&value),
    }
}

fn verdict(before: &Figure, now: &Figure) -> &'static str {
    let (Some([low_before, high_before]), Some([low, high])) = (before.interval, now.interval) else {
        return r#"<span class="quiet">cannot be told</span>"#;
    };
    let (is_higher, is_lower) = (low > high_before, high < low_before);
    match (is_higher, is_lower, now.better) {
        (true, _, Better::Higher) | (_, true, Better::Lower) => r#"<span class="good">better</span>"#,
        (true, _, Better::Lower) | (_, true, Better::Higher) => r#"<span class="wrong">worse</span>"#,
        (true, ..) => "higher",
        (_, true, _) => "lower",
        _ => r#"<span class="quiet">no certain difference</span>"#,
    }
}
