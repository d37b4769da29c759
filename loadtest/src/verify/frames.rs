//! What the viewers saw.

use std::collections::HashMap;

use auction::Position;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::findings::{Findings, Rule};
use super::history::History;
use super::verdict::Latency;
use super::windows::Windows;
use crate::record::{Run, Seen, Sight, Snapshot};
use crate::viewers::STARTS_ANEW;

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct FrameCounts {
    pub connections: u64,
    pub resumed: u64,
    pub bids: u64,
    /// Snapshots in the place of events, because the log was trimmed, and because Redis had lost some.
    pub snapshots_trimmed: u64,
    pub snapshots_epoch: u64,
    /// Because the viewer was slower than the relay keeps frames.
    #[serde(default)]
    pub snapshots_too_slow: u64,
    pub stale: u64,
    pub viewers_at_the_end: u64,
}

/// A viewer that has missed fewer events gets them all: the log of an item keeps a thousand, and one that is made again
/// after a loss begins with the last 256. Bids go on while the relay reads.
const LOG_KEPT: u64 = 200;
/// The relay's ring of an item has a thousand frames, of which a few are no events.
const RING_KEPT: u64 = 900;

pub(super) struct Frames<'a> {
    windows: &'a Windows,
    started_at: u64,
    viewers: u32,
    watching: HashMap<u32, Watching>,
    pub(super) counts: Counts,
}

pub(super) struct Counts {
    pub(super) frames: FrameCounts,
    /// From acceptance to the frame, in microseconds; also of what a viewer has caught up with later.
    pub(super) lag: Histogram<u64>,
    /// Lines of the record.
    pub(super) sights: u64,
}

struct Watching {
    item: String,
    is_connected: bool,
    /// The last that it has seen; none before its first frame, and after it has begun anew.
    last: Option<Position>,
}

impl<'a> Frames<'a> {
    pub(super) fn new(run: &Run, windows: &'a Windows) -> Self {
        let counts = Counts { frames: FrameCounts::default(), lag: Latency::histogram(3), sights: 0 };
        Self { windows, started_at: run.started_at, viewers: run.viewers, watching: HashMap::new(), counts }
    }

    pub(super) fn see(&mut self, sight: &Sight, history: &History, findings: &mut Findings) {
        self.counts.sights += 1;
        let new = || Watching { item: sight.item.clone(), is_connected: false, last: None };
        let mut viewer = self.watching.remove(&sight.viewer).unwrap_or_else(new);
        let is_right = match (&sight.seen, viewer.last.filter(|_| viewer.is_connected)) {
            (Seen::Connected { snapshot, asked, since }, None) if !viewer.is_connected => {
                self.counts.frames.connections += 1;
                self.counts.frames.resumed += u64::from(asked.is_some());
                let is_right = asked == since && *asked == viewer.last && self.has_stood(sight, snapshot, history);
                (viewer.is_connected, viewer.last) = (true, Some(since.unwrap_or(snapshot.position)));
                is_right
            }
            (Seen::Bid { position, .. }, Some(before)) => {
                self.counts.frames.bids += 1;
                viewer.last = Some(*position);
                self.check_bid(sight, history, findings);
                is_followed_by(&sight.item, before, *position, history)
            }
            (Seen::State { snapshot, reason }, Some(before)) => {
                viewer.last = Some(snapshot.position);
                self.is_called_for(sight, reason, before, snapshot.position, history)
                    && self.has_stood(sight, snapshot, history)
            }
            (Seen::Stale, Some(_)) => {
                self.counts.frames.stale += 1;
                true
            }
            (Seen::Live, Some(_)) => true,
            (Seen::Ended(reason), _) => {
                viewer.is_connected = false;
                viewer.last = viewer.last.filter(|_| reason != STARTS_ANEW);
                !reason.starts_with("unreadable") && !reason.starts_with("unexpected")
            }
            _ => false,
        };
        if !is_right {
            findings.violation(Rule::Viewers, || format!("{sight:?}"));
        }
        self.watching.insert(sight.viewer, viewer);
    }

    /// The frame is the event that stands there, unless Redis has lost it.
    fn check_bid(&mut self, sight: &Sight, history: &History, findings: &mut Findings) {
        let Seen::Bid { position, event, accepted_at, crc } = sight.seen else { return };
        match history.by_seq(&sight.item, position.seq).filter(|archived| archived.position == position) {
            Some(archived) if (archived.id, archived.crc) == (event, crc) => {
                let lag = (self.started_at + sight.at).saturating_sub(archived.at);
                self.counts.lag.saturating_record(lag.max(1));
            }
            None if self.windows.may_lose_of(accepted_at) && !history.has(event) => {
                findings.lost(event, || format!("was shown: {sight:?}"));
            }
            archived => findings.violation(Rule::Viewers, || format!("archived as {archived:?}: {sight:?}")),
        }
    }

    /// Whether the item has stood there. The epoch may be a later one than the event's: it begins without one.
    fn has_stood(&self, sight: &Sight, snapshot: &Snapshot, history: &History) -> bool {
        let Snapshot { position, price, leader } = snapshot;
        let event = history.by_seq(&sight.item, position.seq).filter(|event| event.position <= *position);
        let is_right = match event {
            Some(event) => (event.amount, Some(&*event.user)) == (*price, leader.as_deref()),
            None => (position.seq, *price, leader.as_deref()) == (0, 0, None),
        };
        is_right || self.windows.may_have_lost_before(sight.at)
    }

    /// Whether a snapshot may come in the place of events.
    fn is_called_for(&mut self, sight: &Sight, why: &str, before: Position, now: Position, history: &History) -> bool {
        match why {
            "log_trimmed" => {
                self.counts.frames.snapshots_trimmed += 1;
                // Or what comes next is lost, for good or until PostgreSQL has brought it back.
                let next = history.by_seq(&sight.item, before.seq + 1);
                now.seq >= before.seq + LOG_KEPT || next.is_none_or(|next| self.windows.may_lose_of(next.at))
            }
            "epoch" => {
                self.counts.frames.snapshots_epoch += 1;
                let stands = before.seq == 0 || is_behind(&sight.item, before, history);
                let goes_on = history.by_seq(&sight.item, before.seq + 1).is_some();
                // Until the next epoch is begun, Redis stands in the old one where it has lost the rest.
                let is_another = now.epoch > before.epoch || now.epoch == before.epoch && now.seq < before.seq;
                is_another && self.windows.may_have_lost_before(sight.at) && !(stands && goes_on)
            }
            "too_slow" => {
                self.counts.frames.snapshots_too_slow += 1;
                now.seq >= before.seq + RING_KEPT
            }
            _ => false,
        }
    }

    /// After the drain every viewer was given the time to see everything.
    pub(super) fn check_end(&mut self, history: &History, findings: &mut Findings) {
        for (number, viewer) in &self.watching {
            let end = history.events(&viewer.item).last().map(|last| last.position).unwrap_or_default();
            if viewer.last.is_some_and(|last| last.seq == end.seq && last >= end) {
                self.counts.frames.viewers_at_the_end += 1;
            } else {
                findings.violation(Rule::Viewers, || {
                    format!("viewer {number} of {} has come to {:?}, of {end:?}", viewer.item, viewer.last)
                });
            }
        }
        let seen = self.watching.len();
        if seen < self.viewers as usize {
            findings.violation(Rule::Viewers, || format!("of {} viewers {seen} were ever connected", self.viewers));
        }
    }
}

/// The very next; and in a later epoch, no other event stands at the seq before.
fn is_followed_by(item: &str, before: Position, next: Position, history: &History) -> bool {
    let is_next = next.seq == before.seq + 1 && next.epoch >= before.epoch;
    let passed_over = history.by_seq(item, before.seq).is_some_and(|event| event.position > before);
    is_next && !(passed_over && next.epoch > before.epoch)
}

/// Whether the event with the seq of a position is one that it counts.
fn is_behind(item: &str, position: Position, history: &History) -> bool {
    history.by_seq(item, position.seq).is_some_and(|event| event.position <= position)
}
