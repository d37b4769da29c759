//! The worker's numbers as Prometheus reads them.

use std::sync::atomic::Ordering::Relaxed;

use ledger::OutboxLoad;

use super::status::Status;

pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `outbox`: left out while Redis does not tell.
pub(super) fn text(status: &Status, outbox: Option<OutboxLoad>) -> String {
    let counters = &status.counters;
    let counted = [
        ("archived", "Events stored that were not there before", &counters.archived),
        ("reconciled", "Of these, events that came from the outbox and not from NATS", &counters.reconciled),
        ("duplicates", "Deliveries of events that stood there already", &counters.duplicates),
        ("divergent", "Events set aside: they contradict the archive", &counters.divergent),
        ("rejected", "Events set aside: PostgreSQL refuses what they hold", &counters.rejected),
        ("unreadable", "Messages and outbox entries set aside: they are no events", &counters.unreadable),
        ("lost", "Events set aside: Redis accepted them and lost them", &counters.lost),
        ("restored_items", "Items that Redis had lost events of and got back", &counters.restored),
        ("batches", "Transactions committed", &counters.batches),
    ];
    let mut text = String::new();
    for (name, help, counter) in counted {
        let name = format!("archival_worker_{name}_total");
        text += &format!("# HELP {name} {help}.\n# TYPE {name} counter\n{name} {}\n", counter.load(Relaxed));
    }
    let mut gauge = |name: &str, help: &str, values: &[(String, u64)]| {
        if values.is_empty() {
            return;
        }
        text += &format!("# HELP archival_worker_{name} {help}.\n# TYPE archival_worker_{name} gauge\n");
        values.iter().for_each(|(labels, value)| text += &format!("archival_worker_{name}{labels} {value}\n"));
    };
    let up = status.parts().map(|part| (format!("{{part=\"{}\"}}", part.name), u64::from(part.problem().is_none())));
    gauge("up", "Whether what the worker needs works", &up);
    let length = outbox.map(|outbox| (String::new(), outbox.length));
    gauge("outbox_length", "Events that PostgreSQL may not have yet", length.as_slice());
    let age = outbox.map(|outbox| (String::new(), outbox.age.as_secs()));
    gauge("outbox_age_seconds", "How long the oldest of them has waited, 0 if there is none", age.as_slice());
    let last_error = [(String::new(), status.last_error_at_seconds())];
    gauge("last_error_timestamp_seconds", "When something last failed, 0 if nothing has", &last_error);
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_text_has_every_number_once() {
        let status = Status::default();
        status.counters.archived.store(7, Relaxed);
        status.postgres.works();
        let text = text(&status, Some(OutboxLoad { length: 3, age: Duration::from_millis(4_500) }));
        for line in [
            "archival_worker_archived_total 7",
            "archival_worker_up{part=\"PostgreSQL\"} 1",
            "archival_worker_up{part=\"NATS\"} 0",
            "archival_worker_outbox_length 3",
            "archival_worker_outbox_age_seconds 4",
            "archival_worker_last_error_timestamp_seconds 0",
        ] {
            assert_eq!(text.lines().filter(|found| *found == line).count(), 1, "{line} in {text}");
        }
    }
}
