//! Viewers who come back to an item, in a world where anything may happen to it.

use std::sync::Arc;

use auction::{AuctionEvent, Position};

use super::{Question, Recent, Resumed, Resuming, Viewer};
use crate::engine::{Command, Mailbox, SeatKey, Waiting};
use crate::feed::Output;
use crate::feed::model::World;
use crate::frame::Frame;
use crate::item::Since;

pub(super) struct Room {
    pub(super) world: World,
    pub(super) resuming: Resuming,
    recent: Recent,
    live: Vec<Viewer>,
    outputs_seen: usize,
    watchers: Vec<Watcher>,
    pub(super) too_slow: usize,
    /// Those for one viewer alone.
    pub(super) snapshots: usize,
}

/// The other end of a viewer.
struct Watcher {
    seat: SeatKey,
    told: std::sync::mpsc::Receiver<Command>,
    last: Position,
    /// Nobody can tell whether the event that it knows is the one that has its number now.
    knows_epoch: bool,
}

impl Room {
    pub(super) fn new() -> Self {
        let world = World::new(0);
        let recent = Recent::new(world.feed.position());
        let resuming = Resuming::default();
        Self { world, resuming, recent, live: vec![], outputs_seen: 0, watchers: vec![], too_slow: 0, snapshots: 0 }
    }

    /// Somebody who knows one of the events that were ever shown comes back, and may not know its epoch.
    pub(super) fn come_back(&mut self, which: usize, knows_epoch: bool) {
        let shown = self.world.shown().iter().filter_map(|output| match output {
            Output::Event { position, .. } => Some(*position),
            Output::Snapshot(_) => None,
        });
        let shown: Vec<Position> = shown.collect();
        let Some(last) = which.checked_rem(shown.len()).map(|which| shown[which]) else { return };
        let (shard, told) = Mailbox::new(None);
        let seat = SeatKey { shard: 0, connection: u32::try_from(self.watchers.len()).unwrap(), serial: 0 };
        let since = Since { seq: last.seq, epoch: knows_epoch.then_some(last.epoch) };
        let viewer = Viewer::new(shard, seat, Arc::default(), Some(since));
        self.watchers.push(Watcher { seat, told, last, knows_epoch });
        match since.position(self.world.feed.position().epoch) {
            since if since == self.world.feed.position() => self.live.push(viewer),
            since => self.resuming.add(viewer, since, self.world.now),
        }
    }

    /// What the item's task does after everything that happens.
    pub(super) fn go_on(&mut self) {
        for output in &self.world.shown()[self.outputs_seen..] {
            let frame = match output {
                Output::Event { frame, .. } => frame.clone(),
                Output::Snapshot(jump) => snapshot(jump.state.position),
            };
            // In place of the ring.
            self.live.iter().for_each(|viewer| viewer.show(&frame));
            match output {
                Output::Event { .. } => self.recent.push(frame),
                Output::Snapshot(jump) => {
                    self.recent = Recent::new(jump.state.position);
                    self.resuming.history_changed();
                }
            }
        }
        self.outputs_seen = self.world.shown().len();
        let finished = self.resuming.finished(&self.recent, self.world.now);
        self.finish(finished);
        if let Some(question) = self.resuming.next_read(self.world.feed.position()) {
            let page = self.world.page(question.after);
            self.resuming.begin(question, Box::pin(std::future::ready(Ok(page))));
        }
    }

    /// The page under way comes.
    pub(super) fn take_page(&mut self) -> bool {
        let Some((asked, page)): Option<(Question, _)> = now(self.resuming.page()) else { return false };
        let finished = self.resuming.take_page(asked, &page.unwrap(), self.world.feed.position(), self.world.now);
        self.finish(finished);
        true
    }

    fn finish(&mut self, finished: Vec<Resumed>) {
        for resumed in finished {
            match resumed {
                Resumed::Live(viewer) => self.live.push(viewer),
                Resumed::Jump(viewer, ..) => {
                    self.snapshots += 1;
                    viewer.show(&snapshot(self.world.feed.position()));
                    self.live.push(viewer);
                }
                Resumed::TooSlow(_) => self.too_slow += 1,
                Resumed::GivenUp(_) => {}
            }
        }
    }

    pub(super) fn live(&self) -> usize {
        self.live.len()
    }

    /// As if the relay had just started.
    pub(super) fn forget_recent(&mut self) {
        self.recent = Recent::new(self.world.feed.position());
    }

    /// Everybody reads so many frames, and checks them.
    pub(super) fn read(&mut self, count: usize) {
        for watcher in &mut self.watchers {
            for _ in 0..count {
                let Some(frame) = watcher.next() else { break };
                watcher.last = match frame.payload().starts_with(b"snapshot") {
                    true => frame.position(),
                    false => {
                        let next = AuctionEvent::from_json(&frame.payload()).unwrap().position;
                        let follows = match watcher.knows_epoch {
                            true => self.world.follows(next, watcher.last),
                            false => next.seq == watcher.last.seq + 1,
                        };
                        assert!(follows, "{next:?} after {:?}", watcher.last);
                        next
                    }
                };
                watcher.knows_epoch = true;
            }
        }
    }

    /// Who is live has seen what everybody has.
    pub(super) fn check_live(&self) {
        let here = self.world.feed.position();
        for watcher in
            self.watchers.iter().filter(|watcher| self.live.iter().any(|viewer| viewer.seat() == watcher.seat))
        {
            assert_eq!(watcher.last.seq, here.seq);
            assert!(!watcher.knows_epoch || self.world.is_kept(watcher.last, here.epoch));
        }
    }
}

impl Watcher {
    /// Reads one frame.
    fn next(&self) -> Option<Frame> {
        self.told.try_iter().find_map(|command| match command {
            Command::Tell(_, frame, Waiting { .. }) => Some(frame),
            _ => None,
        })
    }
}

fn snapshot(position: Position) -> Frame {
    Frame::text(position, "snapshot")
}

/// The result of what need not wait.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(result) => Some(result),
        std::task::Poll::Pending => None,
    }
}
