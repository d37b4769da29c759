//! The frames that the relay writes itself.

use auction::{Amount, ItemId, ItemState, Position, Timestamp, UserId};
use serde::Serialize;
use uuid::Uuid;

use super::Frame;
use crate::feed::{Jump, JumpReason};

/// What every snapshot says about the item.
#[derive(Serialize)]
struct Item<'a> {
    current_bid: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    highest_bidder_id: Option<&'a UserId>,
    seq: u64,
    epoch: u64,
    status: &'static str,
    server_time: Timestamp,
    subscribers: usize,
}

#[derive(Serialize)]
struct Connected<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "itemId")]
    item_id: &'a ItemId,
    #[serde(rename = "clientId")]
    client_id: Uuid,
    /// Where the replay starts that the viewer asked for: what follows comes next, also what `seq` counts already.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Position>,
    #[serde(flatten)]
    item: Item<'a>,
}

#[derive(Serialize)]
struct State<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "itemId")]
    item_id: &'a ItemId,
    reason: &'static str,
    /// How many events the snapshot stands for.
    skipped: u64,
    #[serde(flatten)]
    item: Item<'a>,
}

#[derive(Serialize)]
struct Sign<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "itemId")]
    item_id: &'a ItemId,
}

#[derive(Serialize)]
struct Subscribers<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "itemId")]
    item_id: &'a ItemId,
    subscribers: usize,
}

/// The circumstances of a snapshot.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) item_id: &'a ItemId,
    pub(crate) server_time: Timestamp,
    pub(crate) subscribers: usize,
}

/// A viewer's first frame.
pub(crate) fn connected(scene: Scene<'_>, client_id: Uuid, since: Option<Position>, state: &ItemState) -> Frame {
    let Scene { item_id, .. } = scene;
    let position = since.unwrap_or(state.position);
    encode(position, &Connected { kind: "connected", item_id, client_id, since, item: item(scene, state) })
}

/// A snapshot in the middle.
pub(crate) fn state(scene: Scene<'_>, jump: &Jump) -> Frame {
    let reason = match jump.reason {
        JumpReason::Epoch => "epoch",
        JumpReason::LogTrimmed => "log_trimmed",
        JumpReason::TooSlow => "too_slow",
    };
    let item = item(scene, &jump.state);
    let frame = State { kind: "state", item_id: scene.item_id, reason, skipped: jump.skipped, item };
    encode(jump.state.position, &frame)
}

/// Neither NATS nor Redis tells anything: what was shown may be old.
pub(crate) fn stale(item_id: &ItemId, position: Position) -> Frame {
    encode(position, &Sign { kind: "stale", item_id })
}

/// After [`stale`]: what is shown is up to date again.
pub(crate) fn live(item_id: &ItemId, position: Position) -> Frame {
    encode(position, &Sign { kind: "live", item_id })
}

/// How many watch now.
pub(crate) fn subscribers(item_id: &ItemId, position: Position, subscribers: usize) -> Frame {
    encode(position, &Subscribers { kind: "subscribers", item_id, subscribers })
}

fn item<'a>(scene: Scene<'a>, state: &'a ItemState) -> Item<'a> {
    Item {
        current_bid: state.current_bid(),
        highest_bidder_id: state.leader.as_ref().map(|leader| &leader.user),
        seq: state.position.seq,
        epoch: state.position.epoch,
        status: "active",
        server_time: scene.server_time,
        subscribers: scene.subscribers,
    }
}

fn encode(position: Position, frame: &impl Serialize) -> Frame {
    Frame::text(position, &serde_json::to_string(frame).expect("a frame's fields always have a JSON form"))
}

#[cfg(test)]
mod tests {
    use auction::Leader;

    use super::*;

    fn text(frame: &Frame) -> String {
        String::from_utf8(frame.payload().to_vec()).unwrap()
    }

    #[test]
    fn the_wire_form_of_snapshots_is_pinned() {
        let item_id = ItemId::parse("lot1").unwrap();
        let server_time = Timestamp::parse("2026-11-23T17:47:43.000123Z").unwrap();
        let scene = Scene { item_id: &item_id, server_time, subscribers: 3 };
        let new = connected(scene, Uuid::from_u128(1), None, &ItemState::new(2));
        insta::assert_snapshot!(text(&new), @r#"{"type":"connected","itemId":"lot1","clientId":"00000000-0000-0000-0000-000000000001","current_bid":0.00,"seq":0,"epoch":2,"status":"active","server_time":"2026-11-23T17:47:43.000123Z","subscribers":3}"#);
        let leader = Leader { user: UserId::parse("alice").unwrap(), amount: Amount::parse("100.01").unwrap() };
        let position = Position { epoch: 3, seq: 9 };
        let state_now = ItemState { position, leader: Some(leader), bid_count: 9, last_event_at: None };
        let jump = Jump { reason: JumpReason::LogTrimmed, state: state_now, skipped: 4 };
        insta::assert_snapshot!(text(&state(scene, &jump)), @r#"{"type":"state","itemId":"lot1","reason":"log_trimmed","skipped":4,"current_bid":100.01,"highest_bidder_id":"alice","seq":9,"epoch":3,"status":"active","server_time":"2026-11-23T17:47:43.000123Z","subscribers":3}"#);
    }
}
