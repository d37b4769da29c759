//! Which server was broken when.

use std::fmt::Write;

use super::drawing::{LEFT, TOP, opened, time_axis, x};
use super::escaped;
use crate::record::FaultRecord;

/// The height of a server's row.
const ROW: f64 = 17.0;

/// A row for each server.
pub(super) fn chart(faults: &[FaultRecord], end_s: f64) -> String {
    let mut names: Vec<&str> = faults.iter().map(|fault| subject(&fault.fault)).collect();
    names.sort_unstable();
    names.dedup();
    let height = TOP + ROW * names.len() as f64 + 22.0;
    let mut svg = opened("Faults", height);
    for (row, name) in names.iter().enumerate() {
        let top = TOP + ROW * row as f64;
        let _ = write!(svg, r#"<text x="{}" y="{}" class="label end">{name}</text>"#, LEFT - 8.0, top + 12.0);
        for fault in faults.iter().filter(|fault| subject(&fault.fault) == *name) {
            let (from, until) = (fault.from as f64 / 1e6, fault.until as f64 / 1e6);
            let class = if fault.bids_fail_until.is_some() { "bad" } else { "fault" };
            let (left, width) = (x(from, end_s), (x(until, end_s) - x(from, end_s)).max(2.0));
            let title = escaped(&format!("{}: {from:.1} to {until:.1} s", fault.fault));
            let (top, height) = (top + 2.0, ROW - 4.0);
            let _ = write!(
                svg,
                r#"<rect x="{left:.1}" y="{top}" width="{width:.1}" height="{height}" class="{class}"><title>{title}</title></rect>"#
            );
        }
    }
    time_axis(&mut svg, height - 18.0, end_s);
    svg + "</svg>"
}

/// The server that a fault is one of.
fn subject(fault: &str) -> &str {
    let end = fault.find([' ', ',']).unwrap_or(fault.len());
    fault[..end].trim_start_matches("bidding-")
}
