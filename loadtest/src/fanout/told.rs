//! What came of it, in figures, sentences, tables and charts.

use super::Arguments;
use super::step::Step;
use crate::result::{Axis, Better, Chart, Figure, Line, Mark, Measured, Report, Scale, Table};
use crate::shown::{digits, or_unknown};
use crate::statistics::median;

/// The guide's promise for 1,000 viewers.
const PROMISE_MS: f64 = 100.0;
const PROMISED_VIEWERS: u32 = 1_000;
/// Of the machine.
const OTHERS_MAX: f64 = 0.10;

pub(super) fn tell(arguments: &Arguments, steps: &[Step], report: &mut Report) {
    report.parameters.insert("bids".to_owned(), arguments.bids.into());
    report.parameters.insert("interval_ms".to_owned(), arguments.interval.into());
    report.parameters.insert("viewers".to_owned(), arguments.viewers.clone().into());
    for step in steps {
        let share = step.delivered as f64 * 100.0 / step.expected().max(1) as f64;
        let [p50, p99] = [0.5, 0.99].map(|quantile| step.from_sent.at(quantile));
        report.findings.push(format!(
            "{} viewers: {} of {} frames arrived ({share:.2} %), P50 {}, P99 {} from the sending of the bid.",
            step.viewers,
            step.delivered,
            step.expected(),
            or_unknown(p50, "ms"),
            or_unknown(p99, "ms"),
        ));
        report.figures.push(Figure::new(format!("{} viewers: P99", step.viewers), p99, "ms", Better::Lower));
        report.figures.push(Figure::new(format!("{} viewers: delivered", step.viewers), share, "%", Better::Higher));
        if step.machine.others > OTHERS_MAX && arguments.options.target.is_none() {
            let percent = step.machine.others * 100.0;
            let words = format!("{} viewers: other programs took {percent:.0} % of the machine", step.viewers);
            report.validity.reasons.push(words);
        }
    }
    growth(steps, report);
    let promised = steps.iter().filter(|step| step.viewers <= PROMISED_VIEWERS).max_by_key(|step| step.viewers);
    let expected: u64 = steps.iter().map(Step::expected).sum();
    let delivered: u64 = steps.iter().map(|step| step.delivered).sum();
    report.measured = Measured {
        p99_ms: promised.or(steps.first()).and_then(|step| step.from_sent.at(0.99)),
        errors_percent: (expected - delivered.min(expected)) as f64 * 100.0 / expected.max(1) as f64,
    };
    report.tables.push(latencies(steps));
    report.tables.push(resources(steps));
    report.charts.extend(charts(steps));
}

/// Whether latency grows as viewers do.
fn growth(steps: &[Step], report: &mut Report) {
    let known: Vec<(f64, f64)> =
        steps.iter().filter_map(|step| Some((f64::from(step.viewers), step.from_sent.at(0.5)?))).collect();
    let (Some(first), Some(last)) = (known.first(), known.last()) else { return };
    if first.0 < last.0 {
        report.findings.push(format!(
            "{}× as many viewers, {}× the P50: one relay writes to its viewers one after another.",
            digits(last.0 / first.0),
            digits(last.1 / first.1)
        ));
    }
}

fn latencies(steps: &[Step]) -> Table {
    let columns = [
        "viewers",
        "frames",
        "of",
        "P50 ms",
        "P95",
        "P99",
        "last viewer",
        "P50 from acceptance",
        "P99 from acceptance",
        "floor P50",
        "floor P99",
    ];
    let mut table = Table::new("From a bid to its viewers", &columns);
    for step in steps {
        let last = (!step.last_ms.is_empty()).then(|| median(step.last_ms.clone()));
        table.row([
            step.viewers.to_string(),
            step.delivered.to_string(),
            step.expected().to_string(),
            or_unknown(step.from_sent.at(0.5), ""),
            or_unknown(step.from_sent.at(0.95), ""),
            or_unknown(step.from_sent.at(0.99), ""),
            or_unknown(last, ""),
            or_unknown(step.from_accepted.at(0.5), ""),
            or_unknown(step.from_accepted.at(0.99), ""),
            or_unknown(step.floor_ms.map(|[p50, _]| p50), ""),
            or_unknown(step.floor_ms.map(|[_, p99]| p99), ""),
        ]);
    }
    table.note =
        "From just before the POST is sent until this program has read the frame; from acceptance by the clock of \
                  Redis. The last viewer: median of the bids. The floor is plain send() on all sockets by one thread, from the first \
                  write, read by threads that only count."
            .to_owned();
    table
}

fn resources(steps: &[Step]) -> Table {
    let columns =
        ["viewers", "processes", "relay MiB", "KiB a viewer", "relay CPU µs a frame", "this program's CPU µs a frame"];
    let mut table = Table::new("What it takes", &columns);
    for step in steps {
        let relay = step.relay.as_ref();
        table.row([
            step.viewers.to_string(),
            (step.processes + 1).to_string(),
            or_unknown(relay.map(|relay| relay.memory_mib), ""),
            or_unknown(relay.map(|relay| relay.kib_per_viewer), ""),
            or_unknown(relay.map(|relay| relay.cpu_us_per_frame), ""),
            digits(step.own_us_per_frame),
        ]);
    }
    table.note =
        "More processes than one watch where one may not open as many files. Processor time of the relay is known to a \
                  hundredth of a second. This program reads the frames on the same \
                  machine: what it takes is added to every latency, times the viewers before."
            .to_owned();
    table
}

fn charts(steps: &[Step]) -> Vec<Chart> {
    let line = |name: &str, quantile: f64| {
        let points = steps.iter().filter_map(|step| Some((f64::from(step.viewers), step.from_sent.at(quantile)?)));
        Line::new(name, points.collect::<Vec<_>>())
    };
    let viewers = || Axis::new("viewers", Scale::Logarithmic);
    let mut lines = vec![line("P50", 0.5), line("P95", 0.95), line("P99", 0.99)];
    let floor: Vec<(f64, f64)> =
        steps.iter().filter_map(|step| Some((f64::from(step.viewers), step.floor_ms?[1]))).collect();
    if !floor.is_empty() {
        lines.push(Line::reference("floor, P99: send() by one thread", floor));
    }
    let marks = vec![Mark { name: format!("{PROMISE_MS} ms"), at: PROMISE_MS }];
    let latency = Chart::new("From a bid to its viewers", viewers(), Axis::new("ms", Scale::Logarithmic), lines);
    let of_relay = |name: &str, of: fn(&super::step::Relay) -> f64| {
        let points = steps.iter().filter_map(|step| Some((f64::from(step.viewers), of(step.relay.as_ref()?))));
        Line::new(name, points.collect::<Vec<_>>())
    };
    let memory = vec![of_relay("relay", |relay| relay.memory_mib)];
    let cpu = vec![of_relay("relay", |relay| relay.cpu_us_per_frame)];
    let mut charts = vec![Chart { marks, ..latency }];
    if steps.iter().any(|step| step.relay.is_some()) {
        charts.push(Chart::new("Memory of the relay", viewers(), Axis::new("MiB", Scale::Linear), memory));
        charts.push(Chart::new("Processor time of the relay", viewers(), Axis::new("µs a frame", Scale::Linear), cpu));
    }
    charts
}
