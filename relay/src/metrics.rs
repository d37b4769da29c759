//! What the relay counts, for `/metrics` and `/stats`.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
use prometheus_client::registry::Registry;

pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) struct Metrics {
    registry: Registry,
    gauges: Gauges,
    pub(crate) frames_sent: Counter,
    pub(crate) viewers_connected: Counter,
    pub(crate) slow_viewers_closed: Counter,
    pub(crate) slow_viewers_conflated: Counter,
    pub(crate) connections_refused: Counter,
    pub(crate) accepts_failed: Counter,
    pub(crate) events_in_order: Counter,
    pub(crate) events_held: Counter,
    pub(crate) events_duplicate: Counter,
    pub(crate) events_superseded: Counter,
    pub(crate) invalid_events: Counter,
    pub(crate) gaps_filled: Counter,
    pub(crate) snapshots: Counter,
    pub(crate) reads_failed: Counter,
    pub(crate) mark_reads_failed: Counter,
    pub(crate) openings_failed: Counter,
}

/// What is true now; set when somebody asks.
#[derive(Default)]
struct Gauges {
    subscribers: Gauge,
    items: Gauge,
    connections: Gauge,
    nats_connected: Gauge,
}

/// The values of the gauges.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Levels {
    pub(crate) subscribers: usize,
    pub(crate) items: usize,
    pub(crate) connections: usize,
    pub(crate) nats_connected: bool,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("relay");
        let gauges = Gauges::default();
        for (name, help, gauge) in [
            ("subscribers", "Viewers of all items", &gauges.subscribers),
            ("items", "Items that are subscribed to", &gauges.items),
            ("connections", "Open connections, viewers included", &gauges.connections),
            ("nats_connected", "1 while NATS is connected, else 0", &gauges.nats_connected),
        ] {
            registry.register(name, help, gauge.clone());
        }
        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        Self {
            frames_sent: counter("frames_sent", "Frames written to viewers"),
            viewers_connected: counter("viewers_connected", "Viewers whose handshake was completed"),
            slow_viewers_closed: counter(
                "slow_viewers_closed",
                "Viewers closed because they read nothing for too long",
            ),
            slow_viewers_conflated: counter(
                "slow_viewers_conflated",
                "Times that a snapshot took the place of what a viewer was too slow for",
            ),
            connections_refused: counter("connections_refused", "Viewers refused because the relay was full"),
            accepts_failed: counter("accepts_failed", "Connections that could not be accepted"),
            events_in_order: counter("events_in_order", "Events from NATS that were the next of their item"),
            events_held: counter("events_held", "Events from NATS that came too early and were held"),
            events_duplicate: counter("events_duplicate", "Events from NATS that were known already"),
            events_superseded: counter("events_superseded", "Events from NATS of an earlier epoch than others before"),
            invalid_events: counter("events_invalid", "Messages from NATS that are no event of their item"),
            gaps_filled: counter("gaps_filled", "Missing events that were read from the log"),
            snapshots: counter("snapshots_sent", "Snapshots that took the place of events, one for each item"),
            reads_failed: counter("reads_failed", "Readings of an item from Redis that failed"),
            mark_reads_failed: counter("mark_reads_failed", "Readings of the shards' marks that failed"),
            openings_failed: counter("openings_failed", "Attempts to open an item that failed"),
            gauges,
            registry,
        }
    }

    pub(crate) fn encode(&self, levels: Levels) -> Result<String, std::fmt::Error> {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.gauges.subscribers.set(number(levels.subscribers));
        self.gauges.items.set(number(levels.items));
        self.gauges.connections.set(number(levels.connections));
        self.gauges.nats_connected.set(i64::from(levels.nats_connected));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
