//! Where an item stands.

use auction::{Amount, ItemId, ItemState, Leader, Position, Timestamp, UserId};

use crate::{
    Ledger, LedgerError,
    keys::{self, Shard},
};

/// An item as Redis knew it at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// `None` before the first bid on an item that nobody created.
    pub item: Option<ItemState>,
    /// The epoch that the item starts in if it has none yet.
    pub shard_epoch: u64,
    /// The clock of Redis, which is the auction's.
    pub server_time: Timestamp,
}

impl Standing {
    /// The item's state, or the state it would start with.
    pub fn state(&self) -> ItemState {
        self.item.clone().unwrap_or_else(|| ItemState::new(self.shard_epoch))
    }
}

impl Ledger {
    pub async fn standing(&self, item: &ItemId) -> Result<Standing, LedgerError> {
        let mut commands = redis::pipe();
        commands.get(keys::state(item)).get(Shard::of(item).epoch()).cmd("TIME");
        let (state, epoch, (seconds, microseconds)): (Option<String>, Option<u64>, (i64, i64)) =
            self.query_all(&commands).await?;
        let server_time = Timestamp::from_microseconds(seconds * 1_000_000 + microseconds)
            .ok_or_else(|| LedgerError::Corrupt("the clock of Redis is out of range".to_owned()))?;
        Ok(Standing {
            item: state.as_deref().map(parse).transpose()?,
            shard_epoch: epoch.ok_or(LedgerError::NotOpen)?,
            server_time,
        })
    }
}

/// Reads the string that the script keeps and replies: `epoch seq price bids time leader`, without a leader before the
/// first bid.
pub(crate) fn parse(state: &str) -> Result<ItemState, LedgerError> {
    item_state(state).ok_or_else(|| LedgerError::Corrupt(format!("not a state: {state:?}")))
}

/// The string that [`parse`] reads.
pub(crate) fn write(state: &ItemState) -> String {
    let Position { epoch, seq } = state.position;
    let price = state.current_bid().minor_units();
    let time = state.last_event_at.map_or(0, Timestamp::microseconds);
    let leader = state.leader.as_ref().map_or("", |leader| leader.user.as_str());
    format!("{epoch} {seq} {price} {} {time} {leader}", state.bid_count)
}

fn item_state(state: &str) -> Option<ItemState> {
    let fields: Vec<&str> = state.split(' ').collect();
    let [epoch, seq, price, bids, time, leader] = fields[..] else { return None };
    let price = Amount::from_minor_units(price.parse().ok()?)?;
    let leader = match leader {
        "" => None,
        user => Some(Leader { user: UserId::parse(user).ok()?, amount: price }),
    };
    let last_event_at = match time {
        "0" => None,
        microseconds => Some(Timestamp::from_microseconds(microseconds.parse().ok()?)?),
    };
    let position = Position { epoch: epoch.parse().ok()?, seq: seq.parse().ok()? };
    Some(ItemState { position, leader, bid_count: bids.parse().ok()?, last_event_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_field_by_field_and_nothing_else_is_one() {
        let item = parse("2 7 10001 6 1795456063000123 alice").unwrap();
        assert_eq!(item.position, Position { epoch: 2, seq: 7 });
        assert_eq!(item.current_bid().to_string(), "100.01");
        assert_eq!(item.leader.unwrap().user.as_str(), "alice");
        assert_eq!(item.bid_count, 6);
        assert_eq!(parse("1 0 0 0 0 ").unwrap(), ItemState::new(1));
        for written in ["2 7 10001 6 1795456063000123 alice", "1 0 0 0 0 "] {
            assert_eq!(write(&parse(written).unwrap()), written);
        }
        for bad in ["", "1 2 3 4 5", "1 2 3 4 5 a b", "x 2 3 4 5 a", "1 2 9999999999999999 4 5 a"] {
            assert!(matches!(parse(bad), Err(LedgerError::Corrupt(_))), "{bad:?}");
        }
    }
}
