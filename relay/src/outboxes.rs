//! The ends of the outboxes, which show that items have had events even if NATS brought none.
//!
//! A last event that was lost leaves no gap, and while NATS is away every event is lost. So one call reads where all
//! outboxes end, a few times a second, and the items of those that moved look where they stand.

use std::sync::Arc;
use std::time::Instant;

use ledger::OutboxTails;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::{info, warn};

use crate::hub::{Freshness, Hub};
use crate::limits;

/// Watches as long as it is polled.
pub(crate) async fn watch(hub: Arc<Hub>) {
    let mut ticks = interval(limits::OUTBOXES_READ_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // An item that is opened after a reading is told by the next one; one from before any reading by the first.
    let mut seen: Option<OutboxTails> = None;
    let mut failing = false;
    let mut silence = Silence::default();
    loop {
        ticks.tick().await;
        if hub.watches_nothing() {
            continue;
        }
        silence.note(failing && !hub.bus.is_connected(), &hub);
        match hub.ledger.outbox_tails().await {
            Ok(tails) => {
                if std::mem::take(&mut failing) {
                    info!("the outboxes can be read again");
                }
                if seen.as_ref() != Some(&tails) {
                    // Mostly NATS brings what moved them, and then nothing is left to read from the log.
                    sleep(limits::GAP_HOLD).await;
                    hub.look_again(|item| seen.as_ref().is_none_or(|seen| tails.moved(seen, item)));
                    seen = Some(tails);
                }
            }
            Err(error) => {
                hub.metrics.outbox_reads_failed.inc();
                if !std::mem::replace(&mut failing, true) {
                    warn!(%error, "cannot read the outboxes");
                }
            }
        }
    }
}

/// The time in which neither NATS nor Redis has told anything.
#[derive(Default)]
struct Silence {
    since: Option<Instant>,
}

impl Silence {
    fn note(&mut self, is_silent: bool, hub: &Hub) {
        let freshness = if is_silent {
            let lasted = self.since.get_or_insert_with(Instant::now).elapsed();
            match () {
                () if lasted >= limits::STALE_MAX => Freshness::GivenUp,
                () if lasted >= limits::STALE_AFTER => Freshness::Stale,
                () => Freshness::Fresh,
            }
        } else {
            self.since = None;
            Freshness::Fresh
        };
        let changed = hub.freshness.send_if_modified(|now| std::mem::replace(now, freshness) != freshness);
        if changed {
            warn!(?freshness, "what viewers see");
        }
    }
}
