//! The checker sees each broken promise: a record in which all is well, with one thing changed.

mod record;

use auction::Position;
use loadtest::record::{Expected, Outcome, QuarantineRow, Request, Seen, Snapshot};
use loadtest::verify::{Rule, Verdict};
use uuid::Uuid;

use self::record::{Record, accepted, archived, fault, request, shown, sight, stood};

/// With one thing changed, these promises are broken and no others.
#[track_caller]
fn check(rules: &[Rule], change: impl FnOnce(&mut Record)) -> Verdict {
    let mut record = Record::good();
    change(&mut record);
    let verdict = record.verdict();
    let found: Vec<Rule> = verdict.violations.keys().copied().collect();
    assert_eq!(found, rules, "{verdict}");
    verdict
}

#[test]
fn a_good_record_is_good() {
    let verdict = check(&[], |_| {});
    assert!(verdict.passed());
    assert_eq!((verdict.requests.accepted, verdict.requests.unknown_archived, verdict.lost.count), (2, 1, 0));
    assert_eq!((verdict.frames.bids, verdict.frames.resumed, verdict.frames.viewers_at_the_end), (3, 1, 1));
}

#[test]
fn a_hole_a_repeated_id_and_a_price_that_does_not_rise_are_seen() {
    let found = check(&[Rule::Sequence, Rule::Archive, Rule::Standing, Rule::Viewers], |record| {
        record.events.remove(1);
    });
    assert_eq!(found.violations[&Rule::Archive].count, 1, "{found}");
    check(&[Rule::Sequence, Rule::Archive, Rule::Viewers], |record| {
        record.events[2].event = record.events[1].event;
    });
    let price = |record: &mut Record| {
        let payload = record.events[2].payload.as_mut().unwrap();
        *payload = payload.replace("\"amount\":3.00", "\"amount\":2.00");
        record.events[2].bid.as_mut().unwrap().amount = 200;
    };
    assert!(check_any(price).contains(&Rule::Sequence));
}

fn check_any(change: impl FnOnce(&mut Record)) -> Vec<Rule> {
    let mut record = Record::good();
    change(&mut record);
    record.verdict().violations.into_keys().collect()
}

#[test]
fn a_key_that_is_accepted_twice_or_refused_afterwards_is_seen() {
    check(&[Rule::Idempotency], |record| record.requests[3].key = Some("key1".to_owned()));
    check(&[Rule::Idempotency], |record| record.requests[1].key = Some("key1".to_owned()));
}

#[test]
fn what_is_accepted_and_not_archived_is_seen_and_what_is_archived_and_was_never_sent() {
    check(&[Rule::Archive], |record| record.requests.push(request(7, accepted(7))));
    // And the refusal quotes what nobody has bid.
    check(&[Rule::Archive, Rule::Order], |record| {
        record.requests.remove(2);
    });
    // Refused, it may not stand there either.
    check(&[Rule::Archive, Rule::Order], |record| {
        record.requests[2].outcome = Outcome::Refused { position: Position { epoch: 1, seq: 3 }, price: 300 };
    });
    check(&[Rule::Archive], |record| record.events[0].bid = None);
    check(&[Rule::Archive], |record| record.run.drain_us = None);
    let divergent = QuarantineRow {
        reason: "divergent".to_owned(),
        detail: String::new(),
        source: String::new(),
        event: None,
        item: None,
        epoch: None,
        seq: None,
    };
    check(&[Rule::Archive], |record| record.quarantine.push(divergent));
}

#[test]
fn rows_and_keys_that_do_not_agree_with_the_events_are_seen() {
    check(&[Rule::Standing], |record| record.items[0].bids = 2);
    check(&[Rule::Standing], |record| record.standings[0].standing.seq = 4);
    check(&[Rule::Standing], |record| record.standings[0].price_key = None);
    // A later epoch begins without an event.
    check(&[], |record| record.standings[0].standing.epoch = 2);
}

#[test]
fn what_a_viewer_missed_saw_twice_or_saw_otherwise_is_seen() {
    check(&[Rule::Viewers], |record| {
        record.sights.remove(1);
    });
    check(&[Rule::Viewers], |record| record.sights.insert(2, sight(160, shown(1))));
    check(&[Rule::Viewers], |record| {
        let Seen::Bid { crc, .. } = &mut record.sights[1].seen else { panic!("a bid") };
        *crc += 1;
    });
    check(&[Rule::Viewers], |record| {
        record.sights.pop();
    });
    check(&[Rule::Viewers], |record| record.run.viewers = 2);
    let first_says = |snapshot| {
        move |record: &mut Record| {
            record.sights[4].seen = Seen::Connected { snapshot, asked: None, since: None };
            record.sights[3].seen = Seen::Ended("starts anew".to_owned());
            record.sights.pop();
        }
    };
    check(&[], first_says(stood(1, 3)));
    check(&[Rule::Viewers], first_says(Snapshot { price: 200, ..stood(1, 3) }));
    check(&[Rule::Viewers], first_says(Snapshot { leader: Some("bob".to_owned()), ..stood(1, 3) }));
    check(&[Rule::Viewers], first_says(Snapshot { leader: None, ..stood(1, 3) }));
    check(&[Rule::Viewers], |record| {
        record.sights[0].seen =
            Seen::Connected { snapshot: Snapshot { price: 1, ..stood(1, 0) }, asked: None, since: None };
    });
    let state = |reason: &str| Seen::State { snapshot: stood(1, 3), reason: reason.to_owned() };
    // The log has what so few are.
    check(&[Rule::Viewers], |record| record.sights[5].seen = state("log_trimmed"));
    check(&[Rule::Viewers], |record| record.sights[5].seen = state("epoch"));
    check(&[Rule::Viewers], |record| record.sights[5].seen = state("too_slow"));
}

#[test]
fn an_order_that_the_bidders_could_not_see_is_seen() {
    // The second was answered before the first was sent.
    check(&[Rule::Order], |record| (record.requests[0].sent, record.requests[0].answered) = (260, 270));
    // Refused for a price that was no more, or that was not yet, or that was no reason.
    let refusal = |seq, price| Outcome::Refused { position: Position { epoch: 1, seq }, price };
    check(&[Rule::Order], |record| record.requests[3].outcome = refusal(1, 100));
    check(&[Rule::Order], |record| (record.requests[3].sent, record.requests[3].answered) = (240, 250));
    check(&[Rule::Order], |record| record.requests[3].outcome = refusal(3, 200));
    check(&[Rule::Order], |record| record.requests[3].amount = 301);
}

#[test]
fn a_bid_that_fails_without_a_reason_and_a_bad_one_that_is_taken_are_seen() {
    check(&[Rule::Availability], |record| record.faults.clear());
    check(&[Rule::Input], |record| record.requests[4].outcome = Outcome::Rejected(500));
    check(&[Rule::Input], |record| record.requests[3].outcome = Outcome::Rejected(404));
}

#[test]
fn what_redis_loses_with_its_power_is_counted_apart() {
    let lost = check(&[], |record| {
        record.faults.push(fault(700, 800, Some(690)));
        record.requests.push(request(7, accepted(7)));
        let mut lost = shown(4);
        let Seen::Bid { accepted_at, .. } = &mut lost else { panic!("a bid") };
        *accepted_at = 1_000_700;
        record.sights.push(sight(760, lost));
        record.sights.push(sight(770, Seen::State { snapshot: stood(2, 3), reason: "epoch".to_owned() }));
    });
    assert_eq!(lost.lost.count, 2, "{lost}");
    // A relay that begins before the next epoch does finds the item where Redis has lost the rest.
    let back_in_the_epoch = |loses: Option<u64>| {
        move |record: &mut Record| {
            record.faults.push(fault(700, 800, loses));
            let mut lost = shown(4);
            let Seen::Bid { accepted_at, .. } = &mut lost else { panic!("a bid") };
            *accepted_at = 1_000_700;
            record.sights.push(sight(760, lost));
            record.sights.push(sight(770, Seen::State { snapshot: stood(1, 3), reason: "epoch".to_owned() }));
        }
    };
    check(&[], back_in_the_epoch(Some(690)));
    check(&[Rule::Viewers], back_in_the_epoch(None));
    // Its key may have gone to another amount before it is repeated.
    let repeated_too_late = |record: &mut Record| {
        record.requests.push(request(7, accepted(7)));
        let no_more = Request { sent: 900, answered: 950, ..request(7, Outcome::Rejected(422)) };
        record.requests.push(no_more);
    };
    let key_lost = check(&[], |record| {
        record.faults.push(fault(700, 800, Some(690)));
        repeated_too_late(record);
    });
    assert_eq!(key_lost.lost.count, 1, "{key_lost}");
    check(&[Rule::Archive, Rule::Input], repeated_too_late);
    // Where the one in the middle is lost, the last one stands behind a hole.
    let hole = check(&[], |record| {
        record.faults.push(fault(180, 400, Some(170)));
        let position = Position { epoch: 1, seq: 2 };
        record.requests[1].outcome =
            Outcome::Accepted { event: Uuid::from_u128(2), position, replayed: false, body: 0 };
        record.events.remove(1);
        (record.items[0].bids, record.standings[0].standing.bids) = (2, 2);
    });
    assert_eq!(hole.lost.count, 1, "its answer and its frame are one bid: {hole}");
    // Not what was accepted before the last time that Redis had everything on its disk.
    check(&[Rule::Archive], |record| {
        record.faults.push(fault(900, 950, Some(890)));
        record.requests.push(request(7, accepted(7)));
    });
}

#[test]
fn what_was_accepted_without_an_answer_is_promised_to_its_key() {
    let refused = |record: &mut Record| {
        let refusal = Outcome::Refused { position: Position { epoch: 1, seq: 3 }, price: 300 };
        record.requests.push(Request { amount: 300, key: Some("key3".to_owned()), ..request(6, refusal) });
    };
    check(&[Rule::Idempotency], refused);
    // Two have asked for it: either may be the one.
    check(&[], |record| {
        refused(record);
        record.requests.push(Request { key: Some("key7".to_owned()), ..record.requests[2].clone() });
    });
    // What was told is told again to the letter, and only once as new.
    let again = |replayed, body| {
        let position = Position { epoch: 1, seq: 1 };
        Request {
            amount: 100,
            key: Some("key1".to_owned()),
            ..request(6, Outcome::Accepted { event: Uuid::from_u128(1), position, replayed, body })
        }
    };
    check(&[], |record| record.requests.push(again(true, 0)));
    check(&[Rule::Idempotency], |record| record.requests.push(again(true, 1)));
    check(&[Rule::Idempotency], |record| record.requests.push(again(false, 0)));
}

#[test]
fn no_bid_without_an_answer_does_not_explain_an_archived_one() {
    check(&[Rule::Archive, Rule::Order], |record| record.requests[2].expected = Expected::Status(422));
}

#[test]
fn a_relay_that_does_not_go_on_where_a_viewer_was_is_seen() {
    check(&[Rule::Viewers], |record| {
        let Seen::Connected { since, .. } = &mut record.sights[4].seen else { panic!("a first frame") };
        *since = None;
        record.sights.pop();
    });
    check(&[Rule::Viewers], |record| {
        let Seen::Connected { since, .. } = &mut record.sights[4].seen else { panic!("a first frame") };
        *since = Some(Position { epoch: 1, seq: 3 });
        record.sights.pop();
    });
    // It was somebody new.
    check(&[], |record| {
        record.sights[3].seen = Seen::Ended("starts anew".to_owned());
        record.sights[4].seen = Seen::Connected { snapshot: stood(1, 3), asked: None, since: None };
        record.sights.pop();
    });
}

#[test]
fn after_a_loss_what_is_not_lost_is_still_seen() {
    let lossy = |change: fn(&mut Record)| {
        move |record: &mut Record| {
            record.faults.push(fault(20, 30, Some(10)));
            change(record);
        }
    };
    check(&[], lossy(|_| {}));
    check(
        &[Rule::Viewers],
        lossy(|record| {
            let Seen::Bid { crc, .. } = &mut record.sights[1].seen else { panic!("a bid") };
            *crc += 1;
        }),
    );
    check(
        &[Rule::Input],
        lossy(|record| {
            record.requests[0].expected = Expected::Status(422);
        }),
    );
    check(
        &[Rule::Viewers],
        lossy(|record| {
            record.sights[5].seen = Seen::State { snapshot: stood(1, 3), reason: "epoch".to_owned() };
        }),
    );
    // A viewer that stands on what was lost is not where it should be.
    check(&[Rule::Viewers], |record| {
        record.faults.push(fault(290, 300, Some(280)));
        let Seen::Bid { event, accepted_at, .. } = &mut record.sights[5].seen else { panic!("a bid") };
        (*event, *accepted_at) = (Uuid::from_u128(9), 1_000_285);
        record.events[2].epoch = 2;
        record.events[2]
            .payload
            .as_mut()
            .unwrap()
            .clone_from(&archived(3).payload.unwrap().replace("\"epoch\":1", "\"epoch\":2"));
        record.items[0].epoch = 2;
        record.standings[0].standing.epoch = 2;
        record.requests[3].outcome = Outcome::Refused { position: Position { epoch: 2, seq: 3 }, price: 300 };
    });
}

#[test]
fn what_is_missing_from_the_record_is_seen() {
    check(&[Rule::Standing], |record| record.items.clear());
    check(&[Rule::Standing], |record| record.standings.clear());
    check(&[Rule::Archive, Rule::Availability], |record| {
        record.events[0].event = None;
        record.events[0].payload = None;
        // It is no event, so that all of it is missing.
        record.events.truncate(1);
        record.requests.drain(..4);
        record.requests.push(request(9, Outcome::Unknown("503".to_owned())));
        record.requests[1].sent = 320;
        record.sights.clear();
        record.run.viewers = 0;
        record.items.clear();
        (record.standings[0].standing.seq, record.standings[0].standing.price, record.standings[0].standing.bids) =
            (0, 0, 0);
        (record.standings[0].standing.leader, record.standings[0].price_key) = (None, None);
    });
}

#[test]
fn a_key_that_redis_lost_may_be_used_again_and_what_was_lost_in_a_row_is_shown_in_a_row() {
    // The event had reached PostgreSQL, and its key was lost: a higher bid under it is another one.
    let used_again = |lossy: bool| {
        move |record: &mut Record| {
            record.faults.extend(lossy.then(|| fault(120, 140, Some(110))));
            record.requests[1].key = Some("key1".to_owned());
            record.requests[1].expected = Expected::Status(422);
        }
    };
    check(&[], used_again(true));
    check(&[Rule::Idempotency, Rule::Input], used_again(false));
    let lost = |seq| {
        let mut lost = shown(seq);
        let Seen::Bid { event, accepted_at, .. } = &mut lost else { panic!("a bid") };
        (*event, *accepted_at) = (Uuid::from_u128(u128::from(seq) + 50), 1_000_110);
        lost
    };
    let position = Position { epoch: 2, seq: 3 };
    let shown_in_a_row = check(&[], |record| {
        record.faults.push(fault(120, 140, Some(100)));
        for event in &mut record.events[1..] {
            event.epoch = 2;
            *event.payload.as_mut().unwrap() = event.payload.as_ref().unwrap().replace("\"epoch\":1", "\"epoch\":2");
        }
        (record.items[0].epoch, record.standings[0].standing.epoch) = (2, 2);
        record.requests[1].outcome = Outcome::Accepted {
            event: Uuid::from_u128(2),
            position: Position { epoch: 2, seq: 2 },
            replayed: false,
            body: 0,
        };
        record.requests[3].outcome = Outcome::Refused { position, price: 300 };
        record.sights.truncate(2);
        record.sights.push(sight(160, lost(2)));
        record.sights.push(sight(170, lost(3)));
        record.sights.push(sight(
            350,
            Seen::State { snapshot: Snapshot { position, ..stood(1, 3) }, reason: "epoch".to_owned() },
        ));
    });
    assert_eq!(shown_in_a_row.lost.count, 2);
}
