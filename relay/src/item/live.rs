//! A watched item that is open: what NATS and Redis say goes into the feed, what the feed says to the viewers.

mod arrivals;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use async_nats::{Message, Subscriber};
use futures_util::{FutureExt, StreamExt};
use ledger::Standing;
use tokio::time::sleep_until;
use tracing::{debug, error, warn};

use super::opening::{self, Answer};
use super::{Command, recent::Recent, resuming::Resuming, task::Task};
use crate::clock::ServerClock;
use crate::closing::Closing;
use crate::feed::{Arrived, Feed, JumpReason, Output, Outputs, Published};
use crate::frame::{self, Frame, Scene};
use crate::hub::Freshness;
use crate::limits;

pub(super) struct Live<'a> {
    task: &'a mut Task,
    feed: Feed,
    clock: ServerClock,
    /// What the feed has emitted and nobody has been shown yet.
    outputs: Outputs,
    recent: Recent,
    resuming: Resuming,
    reading: Option<Reading>,
    /// Since when a reading waits for viewers to make room.
    crowded_since: Option<Instant>,
    /// How many viewers there are, as all were told last, and when.
    told_subscribers: (usize, Instant),
    empty_since: Instant,
}

type Reading = Pin<Box<dyn Future<Output = Result<Answer>> + Send>>;

enum Next {
    Continue,
    End,
}

impl<'a> Live<'a> {
    pub(super) fn new(task: &'a mut Task, standing: &Standing) -> Self {
        let now = Instant::now();
        Self {
            task,
            feed: Feed::new(standing.state()),
            clock: ServerClock::new(standing.server_time, now),
            outputs: Outputs::new(),
            recent: Recent::new(standing.state().position),
            resuming: Resuming::default(),
            reading: None,
            crowded_since: None,
            told_subscribers: (0, now),
            empty_since: now,
        }
    }

    /// Returns when nobody has watched for a while.
    pub(super) async fn run(mut self, mut subscription: Subscriber) {
        let mut repaired = self.task.hub.bus.repaired();
        let mut freshness = self.task.hub.freshness.subscribe();
        let shared = Arc::clone(&self.task.shared);
        self.greet_all();
        loop {
            self.resume();
            let recheck_at = self.begin_reading();
            let resume_at = (!self.resuming.is_empty()).then(|| Instant::now() + limits::RESUME_RECHECK);
            let count_at = self.tell_subscribers();
            let deadline = [self.feed.deadline(), recheck_at, resume_at, count_at].into_iter().flatten().min();
            let nobody_watches = self.task.subscribers == 0;
            let next = tokio::select! {
                message = subscription.next() => self.hear_all(message, &mut subscription),
                Some(command) = self.task.commands.recv() => self.obey(command),
                answer = answered(&mut self.reading) => self.take_answer(answer),
                page = self.resuming.page() => {
                    self.take_resumers_page(page);
                    Next::Continue
                }
                Ok(()) = freshness.changed() => {
                    self.freshness_changed();
                    Next::Continue
                }
                () = sleep_until_some(deadline) => {
                    self.feed.time_passed(Instant::now());
                    Next::Continue
                }
                Ok(()) = repaired.changed() => {
                    self.feed.interrupted();
                    Next::Continue
                }
                () = shared.look_again.notified() => {
                    self.feed.interrupted();
                    Next::Continue
                }
                () = sleep_until_some(Some(self.empty_since + limits::ITEM_LINGER)), if nobody_watches => self.retire(),
            };
            self.show();
            if let Next::End = next {
                return;
            }
        }
    }

    /// What has come by now is shown together.
    fn hear_all(&mut self, first: Option<Message>, subscription: &mut Subscriber) -> Next {
        let mut next = Some(first);
        for _ in 0..limits::MESSAGES_TOGETHER_MAX {
            let Some(message) = next else { break };
            if let Next::End = self.hear(message) {
                return Next::End;
            }
            next = subscription.next().now_or_never();
        }
        next.map_or(Next::Continue, |message| self.hear(message))
    }

    fn hear(&mut self, message: Option<Message>) -> Next {
        let Some(message) = message else {
            error!(item = %self.task.item, "the subscription has ended");
            return Next::End;
        };
        let metrics = &self.task.hub.metrics;
        let Some(published) = Published::read(&self.task.item, message.payload) else {
            metrics.invalid_events.inc();
            return Next::Continue;
        };
        match self.feed.arrived(published, Instant::now(), &mut self.outputs) {
            Arrived::InOrder => metrics.events_in_order.inc(),
            Arrived::Held => metrics.events_held.inc(),
            Arrived::Duplicate => metrics.events_duplicate.inc(),
            Arrived::Superseded => metrics.events_superseded.inc(),
        };
        Next::Continue
    }

    fn obey(&mut self, command: Command) -> Next {
        match self.task.count(command) {
            Command::Join(viewer) => self.greet(viewer),
            Command::Leave(seat) => self.resuming.leave(seat),
            Command::FellBehind(viewer, last) => self.catch_up(viewer, JumpReason::TooSlow, last),
        }
        self.empty_since = Instant::now();
        Next::Continue
    }

    /// Begins the reading that the feed wants, unless viewers should first make room for a page of the log. Returns when
    /// to look again.
    fn begin_reading(&mut self) -> Option<Instant> {
        if self.feed.wants_page() {
            let now = Instant::now();
            let crowded_since = *self.crowded_since.get_or_insert(now);
            let is_crowded = !self.task.shared.ring.has_room_for(limits::BURST_FRAMES_MAX);
            if is_crowded && now < crowded_since + limits::PAGE_PATIENCE {
                return Some(now + limits::PAGE_RECHECK);
            }
            self.crowded_since = None;
        }
        let read = self.feed.next_read()?;
        let (hub, item) = (Arc::clone(&self.task.hub), self.task.item.clone());
        self.reading = Some(Box::pin(async move { opening::read(&hub, &item, read).await }));
        None
    }

    fn take_answer(&mut self, answer: Result<Answer>) -> Next {
        self.reading = None;
        let now = Instant::now();
        let metrics = &self.task.hub.metrics;
        match answer {
            Ok(Answer::Standing(standing)) => {
                self.clock = ServerClock::new(standing.server_time, now);
                self.feed.standing_read(standing.state(), now, &mut self.outputs);
            }
            Ok(Answer::Log(page)) => {
                let filled_before = self.feed.gaps_filled();
                self.feed.log_read(page, now, &mut self.outputs);
                metrics.gaps_filled.inc_by(self.feed.gaps_filled() - filled_before);
            }
            Err(error) => {
                metrics.reads_failed.inc();
                debug!(item = %self.task.item, "cannot read the item: {error:#}");
                self.feed.read_failed(now);
            }
        }
        Next::Continue
    }

    fn retire(&mut self) -> Next {
        self.empty_since = Instant::now();
        if self.task.hub.retire(&self.task.item) { Next::End } else { Next::Continue }
    }

    /// What viewers see may be old: they are told, and in the end told to come back.
    fn freshness_changed(&mut self) {
        let freshness = *self.task.hub.freshness.borrow();
        match freshness {
            Freshness::Fresh => self.tell_all(frame::live(&self.task.item, self.feed.position())),
            Freshness::Stale => self.tell_all(frame::stale(&self.task.item, self.feed.position())),
            Freshness::GivenUp => {
                self.task.hub.engine.close_all(&self.task.shared, Closing::Unavailable);
                std::mem::take(&mut self.resuming).close_all(Closing::Unavailable);
            }
        }
    }

    fn show(&mut self) {
        if self.outputs.is_empty() {
            return;
        }
        for output in std::mem::take(&mut self.outputs) {
            match output {
                Output::Event { frame, .. } => {
                    self.task.shared.ring.push(frame.clone());
                    self.recent.push(frame);
                }
                Output::Snapshot(jump) => {
                    warn!(item = %self.task.item, reason = ?jump.reason, skipped = jump.skipped, "a new snapshot");
                    self.task.hub.metrics.snapshots.inc();
                    let frame = frame::state(self.scene(), &jump);
                    self.task.shared.ring.push(frame);
                    self.recent = Recent::new(jump.state.position);
                    self.resuming.history_changed();
                }
            }
        }
        self.task.hub.engine.show(&self.task.shared);
    }

    fn tell_all(&mut self, frame: Frame) {
        self.resuming.tell(&frame);
        self.task.shared.ring.push(frame);
        self.task.hub.engine.show(&self.task.shared);
    }

    /// Tells all how many they are, from time to time. Returns when to do so, if the number has changed.
    fn tell_subscribers(&mut self) -> Option<Instant> {
        let (told, told_at) = self.told_subscribers;
        let due = told_at + self.task.hub.subscribers_interval?;
        let (now, subscribers) = (Instant::now(), self.task.subscribers);
        if subscribers == told || subscribers == 0 {
            return None;
        }
        if now < due {
            return Some(due);
        }
        self.told_subscribers = (subscribers, now);
        self.tell_all(frame::subscribers(&self.task.item, self.feed.position(), subscribers));
        None
    }

    fn scene(&self) -> Scene<'_> {
        let (item_id, server_time) = (&self.task.item, self.clock.time(Instant::now()));
        Scene { item_id, server_time, subscribers: self.task.subscribers }
    }
}

async fn answered(reading: &mut Option<Reading>) -> Result<Answer> {
    match reading {
        Some(reading) => reading.await,
        None => std::future::pending().await,
    }
}

async fn sleep_until_some(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
