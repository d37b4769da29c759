//! What the viewers saw.

use std::collections::HashMap;

use auction::Position;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::findings::{Findings, Rule};
use super::history::History;
use super::verdict::Latency;
use super::windows::Windows;
use crate::record::{Run, Seen, Sight};

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct FrameCounts {
    pub connections: u64,
    pub resumed: u64,
    pub bids: u64,
    /// Snapshots in the place of events, because the log was trimmed, and because Redis had lost some.
    pub snapshots_trimmed: u64,
    pub snapshots_epoch: u64,
    pub stale: u64,
    pub viewers_at_the_end: u64,
}

pub(super) struct Frames<'a> {
    windows: &'a Windows,
    started_at: u64,
    viewers: u64,
    watching: HashMap<u32, Watching>,
    pub(super) counts: Counts,
}

pub(super) struct Counts {
    pub(super) frames: FrameCounts,
    /// From acceptance to the frame, in microseconds; also of what a viewer has caught up with later.
    pub(super) lag: Histogram<u64>,
}

struct Watching {
    item: String,
    /// None: not connected.
    position: Option<Position>,
    last_seq: u64,
}

impl<'a> Frames<'a> {
    pub(super) fn new(run: &Run, windows: &'a Windows) -> Self {
        let counts = Counts { frames: FrameCounts::default(), lag: Latency::histogram() };
        Self { windows, started_at: run.started_at, viewers: run.viewers, watching: HashMap::new(), counts }
    }

    pub(super) fn see(&mut self, sight: &Sight, history: &History, findings: &mut Findings) {
        let viewer = self.watching.entry(sight.viewer).or_insert_with(|| Watching {
            item: sight.item.clone(),
            position: None,
            last_seq: 0,
        });
        let counts = &mut self.counts.frames;
        match (&sight.seen, viewer.position) {
            (Seen::Connected { position, since }, None) => {
                counts.connections += 1;
                counts.resumed += u64::from(since.is_some());
                viewer.position = Some(since.unwrap_or(*position));
            }
            (Seen::Bid { position, event, crc }, Some(before)) => {
                counts.bids += 1;
                viewer.position = Some(*position);
                if position.seq != before.seq + 1 || position.epoch < before.epoch {
                    findings.violation(Rule::Viewers, || format!("after {before:?}: {sight:?}"));
                }
                match history.by_seq(&sight.item, position.seq) {
                    Some(archived) if (archived.position, archived.id, archived.crc) == (*position, *event, *crc) => {
                        let lag = (self.started_at + sight.at).saturating_sub(archived.at);
                        self.counts.lag.saturating_record(lag.max(1));
                    }
                    _ if self.windows.may_have_lost_before(sight.at) => {
                        findings.lost(|| format!("was shown: {sight:?}"))
                    }
                    archived => {
                        findings.violation(Rule::Viewers, || format!("archived as {archived:?}: {sight:?}"));
                    }
                }
            }
            (Seen::State { position, reason }, Some(before)) => {
                viewer.position = Some(*position);
                match reason.as_str() {
                    "log_trimmed" if position.seq > before.seq => counts.snapshots_trimmed += 1,
                    "epoch" if self.windows.may_have_lost_before(sight.at) => counts.snapshots_epoch += 1,
                    _ => findings.violation(Rule::Viewers, || format!("after {before:?}: {sight:?}")),
                }
            }
            (Seen::Stale, Some(_)) => counts.stale += 1,
            (Seen::Live, Some(_)) => {}
            (Seen::Ended(reason), _) => {
                viewer.position = None;
                if reason.starts_with("unreadable") || reason.starts_with("unexpected") {
                    findings.violation(Rule::Viewers, || format!("{sight:?}"));
                }
            }
            (seen, before) => findings.violation(Rule::Viewers, || format!("{seen:?} after {before:?}: {sight:?}")),
        }
        if let Some(position) = viewer.position {
            viewer.last_seq = position.seq;
        }
    }

    /// After the drain every viewer was given the time to see everything.
    pub(super) fn check_end(&mut self, history: &History, findings: &mut Findings) {
        for (number, viewer) in &self.watching {
            let last = history.events(&viewer.item).last().map_or(0, |last| last.position.seq);
            if viewer.last_seq == last {
                self.counts.frames.viewers_at_the_end += 1;
            } else {
                findings.violation(Rule::Viewers, || {
                    format!("viewer {number} of {} has come to seq {} of {last}", viewer.item, viewer.last_seq)
                });
            }
        }
        if (self.watching.len() as u64) < self.viewers {
            let seen = self.watching.len();
            findings.violation(Rule::Viewers, || format!("of {} viewers {seen} were ever connected", self.viewers));
        }
    }
}
