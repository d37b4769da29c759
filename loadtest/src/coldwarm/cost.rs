//! What a million such bids would cost, by a price list and by the time that sandboxes took here. A processor of Lambda is
//! another one, so this compares the ways with each other and foretells no bill.

use super::arm::Arm;
use crate::reports::Invocation;
use crate::result::Table;
use crate::shown::digits;

/// US dollars: Lambda on x86 and the HTTP API, us-east-1, without the free tier.
pub(super) struct Prices {
    million_requests: f64,
    million_http_requests: f64,
    gib_second: f64,
    provisioned_gib_second: f64,
    provisioned_duration_gib_second: f64,
}

pub(super) const PRICES: Prices = Prices {
    million_requests: 0.20,
    million_http_requests: 1.00,
    gib_second: 0.000_016_666_7,
    provisioned_gib_second: 0.000_004_166_7,
    provisioned_duration_gib_second: 0.000_009_722_2,
};

/// Of a million bids, as they came here.
pub(super) struct Cost {
    pub(super) requests: f64,
    pub(super) duration: f64,
    /// For sandboxes that are kept ready.
    pub(super) provisioned: f64,
}

impl Cost {
    /// `kept_ready`: sandboxes, and for how many seconds in all.
    pub(super) fn of(invocations: &[Invocation], kept_ready: Option<(usize, f64)>) -> Option<Self> {
        let first = invocations.first()?;
        let gib = f64::from(first.metrics.memory_mib) / 1_024.0;
        let billed_s = invocations.iter().map(|one| one.metrics.billed_duration_ms).sum::<u64>() as f64 / 1_000.0;
        let millions = invocations.len() as f64 / 1e6;
        let price = if kept_ready.is_some() { PRICES.provisioned_duration_gib_second } else { PRICES.gib_second };
        let provisioned =
            kept_ready.map_or(0.0, |(count, seconds)| count as f64 * seconds * gib * PRICES.provisioned_gib_second);
        Some(Self {
            requests: PRICES.million_requests + PRICES.million_http_requests,
            duration: billed_s * gib * price / millions,
            provisioned: provisioned / millions,
        })
    }

    fn total(&self) -> f64 {
        self.requests + self.duration + self.provisioned
    }
}

pub(super) fn table(costs: &[(Arm, Option<Cost>)]) -> Table {
    let columns = ["sandboxes", "requests $", "duration $", "kept ready $", "a million bids $"];
    let mut table = Table::new("Cost of a million bids that come as these did", &columns);
    for (arm, cost) in costs {
        let cells = match cost {
            Some(cost) => [cost.requests, cost.duration, cost.provisioned, cost.total()].map(digits),
            None => std::array::from_fn(|_| "n/a".to_owned()),
        };
        table.row(std::iter::once(arm.name().to_owned()).chain(cells));
    }
    table.note = "By the time they took on this machine, each start included and each bid rounded up to a millisecond."
        .to_owned();
    table
}

pub(super) fn price_table() -> Table {
    let mut table = Table::new("Price list: AWS, us-east-1, x86, US dollars, without the free tier", &["for", "$"]);
    for (name, price) in [
        ("a million requests to Lambda", PRICES.million_requests),
        ("a million requests to an HTTP API", PRICES.million_http_requests),
        ("a GiB second of a sandbox on demand", PRICES.gib_second),
        ("a GiB second that a sandbox is kept ready", PRICES.provisioned_gib_second),
        ("a GiB second in which one that is kept ready works", PRICES.provisioned_duration_gib_second),
    ] {
        table.row([name.to_owned(), format!("{price:.10}").trim_end_matches('0').trim_end_matches('.').to_owned()]);
    }
    table.note = "Prices change: look them up before you decide.".to_owned();
    table
}
