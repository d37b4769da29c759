//! The world around a feed, as simple as it can be: an item, its log, and messages on their way.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use auction::{Amount, AuctionEvent, BidPlaced, Happening, ItemId, ItemState, Leader, Position, Timestamp, UserId};
use ledger::{Continuity, LogPage};
use uuid::Uuid;

use super::{Feed, Jump, Output, Outputs, Published, Read, advance};
use crate::limits::{HELD_EVENTS_MAX, LOG_PAGE_EVENTS};

pub(crate) fn event(epoch: u64, seq: u64) -> AuctionEvent {
    let amount = |seq: u64| Amount::from_minor_units(epoch * 1_000_000 + seq).unwrap();
    AuctionEvent {
        event_id: Uuid::from_u64_pair(epoch, seq),
        item_id: ItemId::parse("lot1").unwrap(),
        position: Position { epoch, seq },
        timestamp: Timestamp::from_microseconds(1_795_456_063_000_000 + seq as i64).unwrap(),
        happening: Happening::Bid(BidPlaced {
            bid_id: Uuid::from_u64_pair(seq, epoch),
            user_id: UserId::parse("alice").unwrap(),
            amount: amount(seq),
            previous_bid: amount(seq - 1),
        }),
    }
}

pub(crate) fn published(epoch: u64, seq: u64) -> Published {
    Published::encode(event(epoch, seq))
}

pub(crate) fn state_at(epoch: u64, seq: u64) -> ItemState {
    let mut state = ItemState::new(epoch);
    if seq > 0 {
        advance(&mut state, &event(epoch, seq));
        state.bid_count = seq;
    }
    state
}

/// What Redis knows, what is on its way, and what a viewer has been shown.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) feed: Feed,
    pub(crate) state: ItemState,
    log: BTreeMap<u64, Entry>,
    on_the_way: Vec<AuctionEvent>,
    reading: Option<(Read, ItemState, LogPage)>,
    /// The seq that each epoch after the first went on from.
    begun: BTreeMap<u64, u64>,
    shown: Vec<Output>,
}

#[derive(Clone)]
struct Entry {
    event: AuctionEvent,
    /// Not so if only a newer version knows its kind.
    is_readable: bool,
}

impl World {
    pub(crate) fn new(seq: u64) -> Self {
        let state = state_at(1, seq);
        Self {
            now: Instant::now(),
            feed: Feed::new(state.clone()),
            state,
            log: BTreeMap::new(),
            on_the_way: Vec::new(),
            reading: None,
            begun: BTreeMap::new(),
            shown: Vec::new(),
        }
    }

    pub(crate) fn accept_bid(&mut self) {
        let event = self.accept(true);
        self.on_the_way.push(event);
    }

    /// An event that this version cannot read, neither in the log nor from NATS.
    pub(crate) fn accept_something_newer(&mut self) {
        self.accept(false);
    }

    fn accept(&mut self, is_readable: bool) -> AuctionEvent {
        let Position { epoch, seq } = self.state.position;
        let event = event(epoch, seq + 1);
        advance(&mut self.state, &event);
        self.log.insert(seq + 1, Entry { event: event.clone(), is_readable });
        event
    }

    /// Delivers any message on the way; it stays there to come again if `again`.
    pub(crate) fn deliver(&mut self, which: usize, again: bool) {
        if self.on_the_way.is_empty() {
            return;
        }
        let which = which % self.on_the_way.len();
        let event = if again { self.on_the_way[which].clone() } else { self.on_the_way.swap_remove(which) };
        self.act(|feed, now, outputs| {
            feed.arrived(Published::encode(event), now, outputs);
        });
    }

    pub(crate) fn lose_message(&mut self, which: usize) {
        if !self.on_the_way.is_empty() {
            let which = which % self.on_the_way.len();
            self.on_the_way.swap_remove(which);
        }
    }

    pub(crate) fn trim_log(&mut self, kept: usize) {
        while self.log.len() > kept {
            self.log.pop_first();
        }
    }

    /// Redis is reopened in the next epoch, and has lost its last events, or none. Messages about what was lost may
    /// still be on their way.
    pub(crate) fn lose_tail(&mut self, lost: u64) {
        let Position { epoch, seq } = self.state.position;
        self.log.split_off(&(seq.saturating_sub(lost) + 1));
        // What a state tells of its last event stands in the log.
        let kept = self.log.keys().next_back().copied().unwrap_or(0);
        self.state.leader = self.log.get(&kept).map(|entry| leader(&entry.event));
        self.state.position = Position { epoch: epoch + 1, seq: kept };
        self.begun.insert(epoch + 1, kept);
    }

    /// Redis loses events and gets the later ones back from PostgreSQL, which never had these.
    pub(crate) fn lose_middle(&mut self, which: usize) {
        let seqs: Vec<u64> = self.log.keys().copied().collect();
        // The last event is where the state stands.
        if let Some((_, seqs)) = seqs.split_last().filter(|(_, seqs)| !seqs.is_empty()) {
            self.log.remove(&seqs[which % seqs.len()]);
        }
    }

    /// Begins the reading that the feed asks for, if it asks for one; the answer is of this moment.
    pub(crate) fn begin_read(&mut self) -> bool {
        let Some(read) = self.feed.next_read() else { return false };
        assert!(self.reading.is_none(), "one reading at a time");
        let after = if let Read::Log { after } = read { after } else { Position::default() };
        let page = self.page(after);
        self.reading = Some((read, self.state.clone(), page));
        true
    }

    /// As the ledger makes it.
    pub(crate) fn page(&self, after: Position) -> LogPage {
        let oldest = self.log.values().next().map(|entry| entry.event.position);
        let entries: Vec<&Entry> = self.log.range(after.seq.max(1)..).map(|(_, entry)| entry).collect();
        let from_seq: Vec<Position> = entries.iter().map(|entry| entry.event.position).collect();
        let anchor = from_seq.first().copied().filter(|position| position.seq == after.seq);
        let later = entries.into_iter().filter(|entry| entry.event.position.seq > after.seq);
        let is_last = later.clone().count() <= LOG_PAGE_EVENTS;
        let readable = later.take(LOG_PAGE_EVENTS).filter(|entry| entry.is_readable);
        let events = readable.map(|entry| entry.event.clone()).collect();
        LogPage { oldest, anchor, continuity: Continuity::of(after, oldest, &from_seq), events, is_last }
    }

    pub(crate) fn end_read(&mut self, success: bool) {
        let Some((read, state, page)) = self.reading.take() else { return };
        self.act(|feed, now, outputs| match (success, read) {
            (false, _) => feed.read_failed(now),
            (true, Read::Standing) => feed.standing_read(state, now, outputs),
            (true, Read::Log { .. }) => feed.log_read(page, now, outputs),
        });
    }

    pub(crate) fn pass_time(&mut self, passed: Duration) {
        self.now += passed;
        self.act(|feed, now, _| feed.time_passed(now));
    }

    /// Lets everything come to rest: no more messages, every reading succeeds, every deadline passes.
    pub(crate) fn settle(&mut self) {
        self.feed.interrupted();
        for _ in 0..10_000 {
            self.end_read(true);
            if self.begin_read() {
                continue;
            }
            let Some(deadline) = self.feed.deadline() else { return };
            let passed = deadline.saturating_duration_since(self.now);
            self.pass_time(passed);
        }
        panic!("the feed does not come to rest: {:?}", self.feed);
    }

    fn act(&mut self, action: impl FnOnce(&mut Feed, Instant, &mut Outputs)) {
        let (known, shown_before) = (self.feed.position(), self.shown.len());
        action(&mut self.feed, self.now, &mut self.shown);
        assert!(self.feed.held.len() <= HELD_EVENTS_MAX);
        for output in &self.shown[shown_before..] {
            let (Output::Event { position, .. } | Output::Snapshot(Jump { state: ItemState { position, .. }, .. })) =
                output;
            assert!(*position > known, "{position:?}, although the item was known to stand at {known:?}");
        }
    }

    pub(crate) fn is_where_redis_is(&self) -> bool {
        self.feed.position() == self.state.position
    }

    pub(crate) fn jumps(&self) -> Vec<&Jump> {
        let shown = self.shown.iter();
        shown.filter_map(|output| if let Output::Snapshot(jump) = output { Some(jump) } else { None }).collect()
    }

    pub(crate) fn shown(&self) -> &[Output] {
        &self.shown
    }

    /// Whether an event is the very next in the history that another is the last of.
    pub(crate) fn follows(&self, next: Position, last: Position) -> bool {
        next.seq == last.seq + 1 && next.epoch >= last.epoch && self.is_kept(last, next.epoch)
    }

    /// Whether an event is a part of the history in an epoch.
    pub(crate) fn is_kept(&self, event: Position, epoch: u64) -> bool {
        let mut begun = self.begun.range(..=epoch).filter(|(begun, _)| **begun > event.epoch);
        begun.all(|(_, kept)| *kept >= event.seq)
    }

    /// The whole promise: after a snapshot s exactly s+1, s+2, …, each as it was accepted.
    pub(crate) fn check_shown_from(&self, first: Position) {
        let mut last = first;
        for output in &self.shown {
            match output {
                Output::Event { frame, .. } => {
                    let next = AuctionEvent::from_json(&frame.payload()).unwrap().position;
                    assert_eq!(frame.payload(), event(next.epoch, next.seq).to_json());
                    assert!(self.follows(next, last), "{next:?} after {last:?}");
                    last = next;
                }
                Output::Snapshot(jump) => {
                    assert!(jump.state.position > last, "a snapshot never leads back");
                    last = jump.state.position;
                }
            }
        }
        // The item may have been put into a later epoch since.
        let found = self.feed.position();
        assert!(found.seq == last.seq && found.epoch >= last.epoch, "{found:?} after {last:?}");
    }
}

fn leader(event: &AuctionEvent) -> Leader {
    let Happening::Bid(bid) = &event.happening;
    Leader { user: bid.user_id.clone(), amount: bid.amount }
}
