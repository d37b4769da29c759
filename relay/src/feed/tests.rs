use std::time::Duration;

use auction::Position;
use ledger::{Continuity, LogPage};
use proptest::prelude::*;

use super::model::{World, published, state_at};
use super::*;
use crate::limits::{GAP_HOLD, HELD_EVENTS_MAX, LOG_PAGE_EVENTS, READ_RETRY_DELAY};

#[derive(Clone, Debug)]
pub(crate) enum Step {
    AcceptBids(u8),
    AcceptSomethingNewer,
    Deliver { which: usize, again: bool },
    LoseMessage(usize),
    PassTime { ms: u64 },
    BeginRead,
    EndRead { success: bool },
    Interrupt,
    TrimLog { kept: usize },
    LoseTail { lost: u64 },
    LoseMiddle(usize),
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1_u8..4).prop_map(Step::AcceptBids),
        1 => Just(Step::AcceptSomethingNewer),
        16 => (any::<usize>(), prop::bool::weighted(0.2)).prop_map(|(which, again)| Step::Deliver { which, again }),
        2 => any::<usize>().prop_map(Step::LoseMessage),
        4 => (0_u64..60).prop_map(|ms| Step::PassTime { ms }),
        6 => Just(Step::BeginRead),
        6 => prop::bool::weighted(0.8).prop_map(|success| Step::EndRead { success }),
        1 => Just(Step::Interrupt),
        1 => (1_usize..8).prop_map(|kept| Step::TrimLog { kept }),
        1 => (0_u64..4).prop_map(|lost| Step::LoseTail { lost }),
        1 => Just(Step::LoseTail { lost: 0 }),
        1 => any::<usize>().prop_map(Step::LoseMiddle),
    ]
}

pub(crate) fn take(world: &mut World, step: &Step) {
    match *step {
        Step::AcceptBids(count) => (0..count).for_each(|_| world.accept_bid()),
        Step::AcceptSomethingNewer => world.accept_something_newer(),
        Step::Deliver { which, again } => world.deliver(which, again),
        Step::LoseMessage(which) => world.lose_message(which),
        Step::PassTime { ms } => world.pass_time(Duration::from_millis(ms)),
        Step::BeginRead => {
            world.begin_read();
        }
        Step::EndRead { success } => world.end_read(success),
        Step::Interrupt => world.feed.interrupted(),
        Step::TrimLog { kept } => world.trim_log(kept),
        Step::LoseTail { lost } => world.lose_tail(lost),
        Step::LoseMiddle(which) => world.lose_middle(which),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_a_viewer_sees_each_event_after_its_snapshot_once_and_in_order(
        first in 0_u64..3,
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let mut world = World::new(first);
        for step in &steps {
            take(&mut world, step);
            world.check_shown_from(Position { epoch: 1, seq: first });
        }
        world.settle();
        world.check_shown_from(Position { epoch: 1, seq: first });
        prop_assert!(world.is_where_redis_is());
        prop_assert_eq!(world.feed.state().current_bid(), world.state.current_bid());
    }

    #[test]
    fn without_loss_no_snapshot_is_needed(
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let mut world = World::new(0);
        for step in &steps {
            match step {
                Step::TrimLog { .. } | Step::LoseTail { lost: 1.. } | Step::LoseMiddle(_) => {}
                Step::AcceptSomethingNewer => {}
                step => take(&mut world, step),
            }
        }
        world.settle();
        prop_assert_eq!(world.jumps(), Vec::<&Jump>::new());
        prop_assert!(world.is_where_redis_is());
    }
}

fn at(epoch: u64, seq: u64) -> (Feed, Instant) {
    (Feed::new(state_at(epoch, seq)), Instant::now())
}

fn frames(outputs: &Outputs) -> Vec<u64> {
    let seq = |output: &Output| match output {
        Output::Event { frame, .. } => AuctionEvent::from_json(&frame.payload()).unwrap().position.seq,
        Output::Snapshot(_) => panic!("a snapshot"),
    };
    outputs.iter().map(seq).collect()
}

#[test]
fn the_next_event_is_emitted_at_once_with_what_waited_behind_it() {
    let (mut feed, now) = at(1, 4);
    let mut outputs = Outputs::new();
    assert_eq!(feed.arrived(published(1, 7), now, &mut outputs), Arrived::Held);
    assert_eq!(feed.arrived(published(1, 6), now, &mut outputs), Arrived::Held);
    assert_eq!(feed.arrived(published(1, 6), now, &mut outputs), Arrived::Duplicate);
    assert_eq!(feed.deadline(), Some(now + GAP_HOLD));
    assert_eq!(feed.arrived(published(1, 5), now, &mut outputs), Arrived::InOrder);
    assert_eq!(frames(&outputs), [5, 6, 7]);
    assert_eq!(feed.arrived(published(1, 5), now, &mut outputs), Arrived::Duplicate);
    assert_eq!((feed.deadline(), feed.next_read()), (None, None));
    assert_eq!(*feed.state(), state_at(1, 7));
}

#[test]
fn a_gap_is_held_for_a_moment_and_then_read_from_the_log() {
    let (mut feed, now) = at(1, 4);
    let mut outputs = Outputs::new();
    feed.arrived(published(1, 7), now, &mut outputs);
    feed.time_passed(now);
    assert_eq!(feed.next_read(), None);
    feed.time_passed(now + GAP_HOLD);
    assert_eq!(feed.next_read(), Some(Read::Log { after: Position { epoch: 1, seq: 4 } }));
    assert_eq!(feed.next_read(), None, "one reading at a time");
    let events = (5..=7).map(|seq| published(1, seq).event).collect();
    let (oldest, anchor) = (Some(Position { epoch: 1, seq: 1 }), Some(Position { epoch: 1, seq: 4 }));
    let page = LogPage { oldest, anchor, continuity: Continuity::Unbroken, events, is_last: true };
    feed.log_read(page, now, &mut outputs);
    assert_eq!(frames(&outputs), [5, 6, 7]);
    assert_eq!(feed.gaps_filled(), 2);
}

#[test]
fn a_failed_reading_is_repeated_after_a_pause() {
    let (mut feed, now) = at(1, 4);
    feed.interrupted();
    assert_eq!(feed.next_read(), Some(Read::Standing));
    feed.read_failed(now);
    assert_eq!(feed.next_read(), None);
    assert_eq!(feed.deadline(), Some(now + READ_RETRY_DELAY));
    feed.time_passed(now + READ_RETRY_DELAY);
    assert_eq!(feed.next_read(), Some(Read::Standing));
}

#[test]
fn an_event_that_redis_does_not_know_is_not_waited_for() {
    let mut world = World::new(4);
    world.feed.arrived(published(1, u64::from(u32::MAX)), world.now, &mut Outputs::new());
    world.feed.arrived(published(9, 1), world.now, &mut Outputs::new());
    world.settle();
    assert_eq!((world.feed.deadline(), world.feed.next_read()), (None, None));
    assert_eq!(world.feed.position(), Position { epoch: 1, seq: 4 });
}

#[test]
fn a_snapshot_says_why_it_came_and_how_much_it_stands_for() {
    let mut world = World::new(0);
    (0..20).for_each(|_| world.accept_bid());
    world.trim_log(5);
    world.settle();
    let [jump] = world.jumps()[..] else { panic!("one snapshot") };
    assert_eq!((jump.reason, jump.skipped, jump.state.position.seq), (JumpReason::LogTrimmed, 20, 20));
    world.lose_tail(3);
    world.accept_bid();
    world.settle();
    let [_, jump] = world.jumps()[..] else { panic!("two snapshots") };
    assert_eq!(
        (jump.reason, jump.skipped, jump.state.position),
        (JumpReason::Epoch, 0, Position { epoch: 2, seq: 18 })
    );
}

#[test]
fn a_later_epoch_that_lost_nothing_is_no_reason_for_a_snapshot() {
    let mut world = World::new(0);
    (0..3).for_each(|_| world.accept_bid());
    world.settle();
    world.lose_tail(0);
    world.settle();
    (0..2).for_each(|_| world.accept_bid());
    world.deliver(4, false);
    world.settle();
    assert!(world.jumps().is_empty());
    assert_eq!(world.feed.position(), Position { epoch: 2, seq: 5 });
}

#[test]
fn a_hole_in_the_log_is_passed_by_a_snapshot() {
    let mut world = World::new(0);
    (0..9).for_each(|_| world.accept_bid());
    world.lose_middle(4);
    world.settle();
    let [jump] = world.jumps()[..] else { panic!("one snapshot") };
    assert_eq!((jump.reason, jump.skipped, jump.state.position.seq), (JumpReason::LogTrimmed, 5, 9));
}

#[test]
fn more_than_can_be_held_and_more_than_one_page_come_from_the_log() {
    let mut world = World::new(0);
    let count = HELD_EVENTS_MAX + 2 * LOG_PAGE_EVENTS;
    (0..=count).for_each(|_| world.accept_bid());
    world.lose_message(0);
    (0..count).for_each(|_| world.deliver(0, false));
    world.settle();
    assert_eq!(world.feed.position(), world.state.position);
    world.check_shown_from(Position { epoch: 1, seq: 0 });
    assert!(world.jumps().is_empty());
}

#[test]
fn a_lost_bid_is_not_shown_once_a_later_epoch_is_known() {
    let mut world = World::new(0);
    (0..3).for_each(|_| world.accept_bid());
    // Two are shown; the third is lost, and its message comes late.
    (0..2).for_each(|_| world.deliver(0, false));
    world.lose_tail(1);
    world.settle();
    assert!(world.jumps().is_empty(), "nothing that was shown is lost");
    assert_eq!(world.feed.position(), Position { epoch: 2, seq: 2 });
    world.deliver(0, false);
    assert_eq!(world.feed.position(), Position { epoch: 2, seq: 2 });
}

#[test]
fn a_lost_bid_is_not_shown_once_an_event_of_a_later_epoch_has_come() {
    let (mut feed, now) = at(1, 4);
    let mut outputs = Outputs::new();
    feed.arrived(published(2, 6), now, &mut outputs);
    feed.arrived(published(1, 5), now, &mut outputs);
    assert_eq!(outputs, []);
    assert_eq!(feed.next_read(), Some(Read::Log { after: Position { epoch: 1, seq: 4 } }), "which tells");
}

#[test]
fn a_lost_bid_leaves_the_screen_when_the_next_epoch_begins_without_an_event() {
    let mut world = World::new(0);
    (0..3).for_each(|_| world.accept_bid());
    world.settle();
    world.lose_tail(1);
    world.settle();
    let [jump] = world.jumps()[..] else { panic!("one snapshot") };
    assert_eq!((jump.reason, jump.state.position), (JumpReason::Epoch, Position { epoch: 2, seq: 2 }));
}

#[test]
fn last_events_that_only_a_newer_version_can_read_are_passed_by_a_snapshot() {
    let mut world = World::new(0);
    world.accept_bid();
    (0..2).for_each(|_| world.accept_something_newer());
    world.settle();
    let [jump] = world.jumps()[..] else { panic!("one snapshot") };
    assert_eq!((jump.reason, jump.skipped, jump.state.position.seq), (JumpReason::LogTrimmed, 2, 3));
    // And a page of nothing else is not asked for again and again.
    (0..2 * LOG_PAGE_EVENTS).for_each(|_| world.accept_something_newer());
    world.accept_bid();
    world.settle();
    assert_eq!(world.jumps().len(), 2);
    assert!(world.is_where_redis_is());
}

#[test]
fn what_redis_said_about_an_older_place_is_asked_again() {
    let (mut feed, now) = at(1, 4);
    let mut outputs = Outputs::new();
    feed.arrived(published(1, 6), now, &mut outputs);
    feed.time_passed(now + GAP_HOLD);
    assert_eq!(feed.next_read(), Some(Read::Log { after: Position { epoch: 1, seq: 4 } }));
    feed.arrived(published(1, 5), now, &mut outputs);
    let (oldest, continuity) = (Some(Position { epoch: 1, seq: 6 }), Continuity::Trimmed);
    let events = vec![published(1, 6).event];
    feed.log_read(LogPage { oldest, anchor: None, continuity, events, is_last: true }, now, &mut outputs);
    assert_eq!(frames(&outputs), [5, 6], "no snapshot");
    assert_eq!(feed.next_read(), Some(Read::Log { after: Position { epoch: 1, seq: 6 } }));
}
