//! What happens because time passes: pings, the end of patience, and the end of all.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{Shard, small};
use crate::closing::Closing;
use crate::engine::connection::Stage;
use crate::engine::outlet::Said;
use crate::engine::wheel::{TICK, Tick};
use crate::limits::PING_INTERVAL;

/// All connections are being closed.
pub(super) struct Draining {
    /// Those that are still to be told.
    left: Vec<u32>,
    ticks_left: u32,
    done: Option<oneshot::Sender<()>>,
}

impl Shard {
    /// Sees to it that somebody looks at a connection when something is due.
    pub(super) fn schedule(&mut self, key: u32) {
        let Some(connection) = self.connections.get_mut(key as usize) else { return };
        let due = connection.due();
        if due < connection.look_at {
            connection.look_at = self.wheel.look_at(key, due);
        }
    }

    pub(super) fn pass_time(&mut self, now: Instant) {
        while let Some(connections) = self.wheel.turn(now) {
            connections.into_iter().for_each(|key| self.look(key));
            self.look_who_is_stuck();
            self.drain_some();
        }
    }

    fn look_who_is_stuck(&mut self) {
        let late = self.audiences.iter().filter(|(_, audience)| !audience.behind.is_empty());
        let late: Vec<u32> = late.map(|(key, _)| small(key)).collect();
        late.into_iter().for_each(|key| self.note_progress(key));
    }

    fn look(&mut self, key: u32) {
        let now = self.wheel.now();
        let Some(connection) = self.connections.get_mut(key as usize) else { return };
        if now < connection.look_at {
            // An entry from before it was looked at earlier, or of the one that had its key.
            return;
        }
        connection.look_at = Tick::NEVER;
        match connection.stage {
            _ if now < connection.due() => {}
            Stage::Closing(..) | Stage::HangingUp(..) => return self.remove(key),
            Stage::Open if now >= connection.silent_at() => self.close(key, Closing::Silent),
            Stage::Open if now >= connection.idle_until() => self.close(key, Closing::Idle),
            Stage::Open if now >= connection.ping_at => {
                connection.ping_at = now.after(PING_INTERVAL);
                connection.allowance.renew();
                connection.say(Said::Ping);
                self.touched.push(key);
            }
            Stage::Open => {
                self.hub.metrics.slow_viewers_closed.inc();
                self.close(key, Closing::TooSlow);
            }
        }
        self.schedule(key);
    }

    pub(super) fn drain(&mut self, over: Duration, done: oneshot::Sender<()>) {
        let left = self.connections.iter().map(|(key, _)| small(key)).collect();
        let ticks_left = u32::try_from(over.as_millis() / TICK.as_millis()).unwrap_or(u32::MAX);
        self.draining = Some(Draining { left, ticks_left, done: Some(done) });
        if ticks_left == 0 {
            self.drain_some();
        }
    }

    /// An equal share in each tick.
    fn drain_some(&mut self) {
        let Some(draining) = &mut self.draining else { return };
        let share = draining.left.len().div_ceil(draining.ticks_left.max(1) as usize);
        draining.ticks_left = draining.ticks_left.saturating_sub(1);
        let told = draining.left.split_off(draining.left.len() - share);
        told.into_iter().for_each(|key| self.close(key, Closing::Restart));
    }

    /// All have gone, and whoever waits for it is told.
    pub(super) fn is_drained(&mut self) -> bool {
        let Some(draining) = &mut self.draining else { return false };
        let is_drained = self.connections.is_empty();
        if is_drained && let Some(done) = draining.done.take() {
            // Nobody may wait any more.
            let _ = done.send(());
        }
        is_drained
    }
}
