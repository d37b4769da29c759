//! The marks of the shards, which show that items have changed even if NATS brought nothing.
//!
//! A last event that was lost leaves no gap, and while NATS is away every event is lost. And when Redis has lost events
//! and goes on without them, nothing is published at all. So one call reads where all outboxes end and which epochs have
//! begun, a few times a second, and the items of shards that moved look where they stand.

use std::sync::Arc;
use std::time::Instant;

use ledger::ShardMarks;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::{info, warn};

use crate::hub::{Freshness, Hub};
use crate::limits;

/// Watches as long as it is polled.
pub(crate) async fn watch(hub: Arc<Hub>) {
    let mut ticks = interval(limits::MARKS_READ_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // An item that is opened after a reading is told by the next one; one from before any reading by the first.
    let mut seen: Option<ShardMarks> = None;
    let mut silence = Silence::default();
    loop {
        ticks.tick().await;
        if hub.watches_nothing() {
            silence.end(&hub);
            continue;
        }
        let begun_at = Instant::now();
        match hub.ledger.shard_marks().await {
            Ok(marks) => {
                silence.end(&hub);
                if seen.as_ref() != Some(&marks) {
                    // Mostly NATS brings what moved them, and then nothing is left to read from the log.
                    sleep(limits::GAP_HOLD).await;
                    hub.look_again(|item| seen.as_ref().is_none_or(|seen| marks.moved(seen, item)));
                    seen = Some(marks);
                }
            }
            Err(error) => {
                hub.metrics.mark_reads_failed.inc();
                if silence.of_redis.is_none() {
                    warn!(%error, "cannot read the marks of the shards");
                }
                silence.of_redis.get_or_insert(begun_at);
                silence.note(hub.bus.is_answering().await, begun_at, &hub);
            }
        }
    }
}

/// Since when nothing is heard, while somebody watches.
#[derive(Default)]
struct Silence {
    of_redis: Option<Instant>,
    of_both: Option<Instant>,
}

impl Silence {
    /// Redis answers, or nobody asks.
    fn end(&mut self, hub: &Hub) {
        if std::mem::take(self).of_redis.is_some() {
            info!("the marks of the shards can be read again");
        }
        tell(hub, Freshness::Fresh);
    }

    /// Redis does not answer.
    fn note(&mut self, nats_answers: bool, asked_at: Instant, hub: &Hub) {
        if nats_answers {
            self.of_both = None;
            return tell(hub, Freshness::Fresh);
        }
        let lasted = self.of_both.get_or_insert(asked_at).elapsed();
        tell(
            hub,
            match () {
                () if lasted >= limits::STALE_MAX => Freshness::GivenUp,
                () if lasted >= limits::STALE_AFTER => Freshness::Stale,
                () => Freshness::Fresh,
            },
        );
    }
}

fn tell(hub: &Hub, freshness: Freshness) {
    if hub.freshness.send_if_modified(|now| std::mem::replace(now, freshness) != freshness) {
        warn!(?freshness, "what viewers see");
    }
}
