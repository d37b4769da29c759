//! A record in which all is well.

use auction::{Amount, AuctionEvent, BidPlaced, Happening, ItemId, Position, Timestamp, UserId};
use loadtest::record::{
    ArchivedEvent, BidRow, Expected, FaultRecord, Folder, ItemStanding, Loss, Outcome, QuarantineRow, RedisStanding,
    Request, Run, Seen, Sight, Snapshot, crc,
};
use loadtest::verify::{Verdict, verify};
use serde::Serialize;
use uuid::Uuid;

pub(super) struct Record {
    pub(super) run: Run,
    pub(super) requests: Vec<Request>,
    pub(super) sights: Vec<Sight>,
    pub(super) faults: Vec<FaultRecord>,
    pub(super) events: Vec<ArchivedEvent>,
    pub(super) items: Vec<ItemStanding>,
    pub(super) standings: Vec<RedisStanding>,
    pub(super) quarantine: Vec<QuarantineRow>,
}

pub(super) const LOT: &str = "lot0";

/// Bid `seq` of alice, at so many units, one after the other.
pub(super) fn event(seq: u64) -> AuctionEvent {
    let amount = |units: u64| Amount::from_minor_units(units * 100).unwrap();
    AuctionEvent {
        event_id: Uuid::from_u128(seq.into()),
        item_id: ItemId::parse(LOT).unwrap(),
        position: Position { epoch: 1, seq },
        timestamp: Timestamp::from_microseconds(1_000_000 + i64::try_from(seq).unwrap() * 100).unwrap(),
        happening: Happening::Bid(BidPlaced {
            bid_id: Uuid::from_u128(u128::from(seq) + 100),
            user_id: UserId::parse("alice").unwrap(),
            amount: amount(seq),
            previous_bid: amount(seq - 1),
        }),
    }
}

pub(super) fn archived(seq: u64) -> ArchivedEvent {
    let event = event(seq);
    let bid = BidRow { user: "alice".to_owned(), amount: seq * 100, previous: (seq - 1) * 100 };
    let (id, payload) = (event.event_id, event.to_json());
    ArchivedEvent { item: LOT.to_owned(), epoch: 1, seq, event: Some(id), payload: Some(payload), bid: Some(bid) }
}

pub(super) fn accepted(seq: u64) -> Outcome {
    let event = event(seq);
    Outcome::Accepted { event: event.event_id, position: event.position, replayed: false, body: 0 }
}

/// A bid that was sent at a hundred times its number, and answered fifty later.
pub(super) fn request(number: u64, outcome: Outcome) -> Request {
    Request {
        due: number * 100,
        sent: number * 100,
        answered: number * 100 + 50,
        item: LOT.to_owned(),
        user: "alice".to_owned(),
        key: Some(format!("key{number}")),
        amount: number * 100,
        expected: Expected::Judgement,
        known: None,
        sandbox: None,
        outcome,
    }
}

pub(super) fn shown(seq: u64) -> Seen {
    let event = event(seq);
    let accepted_at = event.timestamp.microseconds().unsigned_abs();
    Seen::Bid { position: event.position, event: event.event_id, accepted_at, crc: crc(event.to_json().as_bytes()) }
}

pub(super) fn stood(epoch: u64, seq: u64) -> Snapshot {
    let leader = (seq > 0).then(|| "alice".to_owned());
    Snapshot { position: Position { epoch, seq }, price: seq * 100, leader }
}

pub(super) fn sight(at: u64, seen: Seen) -> Sight {
    Sight { at, viewer: 0, item: LOT.to_owned(), seen }
}

pub(super) fn fault(from: u64, until: u64, loses_since: Option<u64>) -> FaultRecord {
    FaultRecord {
        fault: "bidding-redis killed".to_owned(),
        from,
        until,
        bids_fail_until: Some(until),
        loses: loses_since.map(|since| Loss { since, until }),
        effect: String::new(),
    }
}

impl Record {
    /// Three bids, the last of them without an answer; a refusal, no bid, and a viewer who saw it all.
    pub(super) fn good() -> Self {
        let position = |seq| Position { epoch: 1, seq };
        let no_answer = Outcome::Unknown("503".to_owned());
        let too_low = Request { amount: 100, ..request(4, Outcome::Refused { position: position(3), price: 300 }) };
        let no_bid = Request { expected: Expected::Status(400), ..request(5, Outcome::Rejected(400)) };
        let row = ItemStanding {
            item: LOT.to_owned(),
            epoch: 1,
            seq: 3,
            price: 300,
            leader: Some("alice".to_owned()),
            bids: 3,
        };
        let standing = RedisStanding { standing: row.clone(), price_key: Some(300) };
        Self {
            run: Run {
                seed: 1,
                command: String::new(),
                revision: String::new(),
                machine: String::new(),
                started_at: 1_000_000,
                load_us: 1_000_000,
                drain_us: Some(0),
                reconciled: Some(0),
                unsent: 0,
                items: 1,
                viewers: 1,
                requests: 0,
                sights: 0,
            },
            requests: vec![request(1, accepted(1)), request(2, accepted(2)), request(3, no_answer), too_low, no_bid],
            sights: vec![
                sight(10, Seen::Connected { snapshot: stood(1, 0), asked: None, since: None }),
                sight(150, shown(1)),
                sight(250, shown(2)),
                sight(260, Seen::Ended("cut off".to_owned())),
                sight(
                    300,
                    Seen::Connected { snapshot: stood(1, 3), asked: Some(position(2)), since: Some(position(2)) },
                ),
                sight(350, shown(3)),
            ],
            faults: vec![fault(320, 340, None)],
            events: (1..=3).map(archived).collect(),
            items: vec![row],
            standings: vec![standing],
            quarantine: Vec::new(),
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::create_empty(temporary.path()).unwrap();
        let (requests, sights) = (self.requests.len() as u64, self.sights.len() as u64);
        let run = Run { requests, sights, ..self.run.clone() };
        std::fs::write(folder.file("run.json"), serde_json::to_vec(&run).unwrap()).unwrap();
        write(&folder, "requests.jsonl", &self.requests);
        write(&folder, "frames.jsonl", &self.sights);
        write(&folder, "faults.jsonl", &self.faults);
        write(&folder, "events.jsonl", &self.events);
        write(&folder, "items.jsonl", &self.items);
        write(&folder, "standings.jsonl", &self.standings);
        write(&folder, "quarantine.jsonl", &self.quarantine);
        verify(&folder).unwrap()
    }
}

fn write<T: Serialize>(folder: &Folder, name: &str, rows: &[T]) {
    let lines: Vec<String> = rows.iter().map(|row| serde_json::to_string(row).unwrap() + "\n").collect();
    std::fs::write(folder.file(name), lines.concat()).unwrap();
}
