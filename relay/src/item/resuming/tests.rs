use std::time::Duration;

use proptest::prelude::*;

use super::room::Room;
use crate::feed::tests::{Step, step, take};
use crate::limits::{LOG_PAGE_EVENTS, RECENT_FRAMES_MAX, REPLAY_FRAMES_MAX, RESUME_PATIENCE};

#[derive(Clone, Debug)]
enum Event {
    World(Step),
    ComeBack { which: usize, knows_epoch: bool },
    TakePage,
    Read(usize),
    ForgetRecent,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => step().prop_map(Event::World),
        3 => (any::<usize>(), prop::bool::weighted(0.8))
            .prop_map(|(which, knows_epoch)| Event::ComeBack { which, knows_epoch }),
        4 => Just(Event::TakePage),
        1 => (1_usize..40).prop_map(Event::Read),
        2 => Just(Event::ForgetRecent),
    ]
}

fn settle(room: &mut Room) {
    room.world.settle();
    room.go_on();
    for _ in 0..1_000 {
        room.read(usize::MAX);
        if !room.take_page() {
            break;
        }
        room.go_on();
    }
    room.read(usize::MAX);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn who_comes_back_sees_all_that_was_missed_once_and_in_order_or_a_snapshot(
        events in prop::collection::vec(event(), 0..200),
    ) {
        let mut room = Room::new();
        for event in &events {
            match event {
                Event::World(step) => take(&mut room.world, step),
                Event::ComeBack { which, knows_epoch } => room.come_back(*which, *knows_epoch),
                Event::TakePage => { room.take_page(); }
                Event::Read(count) => room.read(*count),
                Event::ForgetRecent => room.forget_recent(),
            }
            room.go_on();
        }
        settle(&mut room);
        prop_assert!(room.resuming.is_empty(), "nobody waits for what does not come");
        room.check_live();
    }
}

/// Bids that are shown as they are accepted.
fn show(room: &mut Room, count: usize) {
    for _ in 0..count {
        room.world.accept_bid();
        room.world.deliver(0, false);
    }
    room.go_on();
}

#[test]
fn a_thousand_who_come_back_together_cost_one_reading_for_each_page() {
    let mut room = Room::new();
    let missed = 3 * LOG_PAGE_EVENTS;
    show(&mut room, 1 + missed + RECENT_FRAMES_MAX);
    (0..1_000).for_each(|_| room.come_back(0, true));
    room.go_on();
    let mut pages = 0;
    while room.take_page() {
        pages += 1;
        room.read(usize::MAX);
        room.go_on();
    }
    assert!(room.resuming.is_empty());
    assert_eq!(pages, 3, "the rest is known");
    room.read(usize::MAX);
    room.check_live();
}

#[test]
fn a_long_replay_waits_for_who_reads_slowly() {
    let mut room = Room::new();
    show(&mut room, 1 + 4 * REPLAY_FRAMES_MAX);
    room.come_back(0, true);
    room.go_on();
    for _ in 0..4 * REPLAY_FRAMES_MAX / 100 {
        while room.take_page() {
            room.go_on();
        }
        room.read(100);
        room.world.pass_time(RESUME_PATIENCE / 100);
        room.go_on();
    }
    settle(&mut room);
    assert!(room.resuming.is_empty());
    room.check_live();
    assert_eq!(room.live(), 1);
}

#[test]
fn who_reads_nothing_for_long_is_too_slow() {
    let mut room = Room::new();
    show(&mut room, 1 + 4 * REPLAY_FRAMES_MAX);
    room.come_back(0, true);
    room.go_on();
    while room.take_page() {
        room.go_on();
    }
    room.world.pass_time(RESUME_PATIENCE + Duration::from_millis(1));
    room.go_on();
    assert!(room.resuming.is_empty());
    assert_eq!((room.live(), room.too_slow), (0, 1));
}

/// Somebody who knows the first of three events comes back, and the log is asked for the others.
fn ask_for_two() -> Room {
    let mut room = Room::new();
    show(&mut room, 2);
    room.world.accept_bid();
    room.forget_recent();
    room.come_back(0, true);
    room.go_on();
    room
}

#[test]
fn what_is_lost_while_it_is_read_is_not_shown() {
    let mut room = ask_for_two();
    room.world.lose_tail(1);
    room.world.settle();
    assert!(room.take_page());
    settle(&mut room);
    room.check_live();
    assert_eq!((room.live(), room.snapshots), (1, 0));
}

#[test]
fn who_was_shown_what_is_lost_by_then_gets_a_snapshot() {
    let mut room = ask_for_two();
    room.world.lose_tail(1);
    room.world.accept_bid();
    room.world.settle();
    assert!(room.take_page());
    settle(&mut room);
    room.check_live();
    assert_eq!((room.live(), room.snapshots), (1, 1));
}

#[test]
fn who_does_not_know_the_epoch_means_the_event_that_the_item_has() {
    let mut room = Room::new();
    show(&mut room, 3);
    room.world.lose_tail(0);
    room.world.settle();
    room.forget_recent();
    room.come_back(0, false);
    room.go_on();
    settle(&mut room);
    room.check_live();
    assert_eq!((room.live(), room.snapshots), (1, 0));
}
