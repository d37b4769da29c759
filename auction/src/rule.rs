//! The rule that judges a bid, as plain code.
//!
//! In the running system one Lua script in Redis judges, atomically. This rule is what that script must do: a test runs
//! both on the same random bids and compares every verdict.

use crate::{Amount, Bid, Position, Timestamp, UserId};

/// An item between two bids. An item nobody has bid on stands at seq 0 of the current epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemState {
    /// The last event of the item.
    pub position: Position,
    /// Who leads at what price; `None` before the first bid.
    pub leader: Option<Leader>,
    pub bid_count: u64,
    /// The time of the last event. An item's time never goes back, even when the clock does.
    pub last_event_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leader {
    pub user: UserId,
    pub amount: Amount,
}

/// What became of a bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accepted {
        position: Position,
        previous_bid: Amount,
        at: Timestamp,
    },
    Refused(Refusal),
    /// Nobody created the item, and only created items can be bid on.
    UnknownItem,
    /// The user's idempotency key belongs to an accepted bid of another amount. Nothing was judged.
    KeyReused,
}

/// Why a bid was judged and did not win.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    TooLow,
}

impl Refusal {
    /// Its name in the script's reply and in the answer to the bidder.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLow => "too_low",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        (name == Self::TooLow.as_str()).then_some(Self::TooLow)
    }
}

impl ItemState {
    pub fn new(epoch: u64) -> Self {
        Self { position: Position { epoch, seq: 0 }, leader: None, bid_count: 0, last_event_at: None }
    }

    /// The price: zero before the first bid.
    pub fn current_bid(&self) -> Amount {
        self.leader.as_ref().map_or(Amount::ZERO, |leader| leader.amount)
    }

    /// The least that the next bid must offer: one minor unit above the price.
    pub fn minimum_bid(&self) -> Amount {
        self.current_bid().successor()
    }

    /// Judges a bid at the time `now`, and moves the item on if it is accepted.
    pub fn judge(&mut self, bid: &Bid, now: Timestamp) -> Verdict {
        if bid.amount < self.minimum_bid() {
            return Verdict::Refused(Refusal::TooLow);
        }
        let previous_bid = self.current_bid();
        let at = self.last_event_at.map_or(now, |last| last.max(now));
        self.position.seq += 1;
        self.bid_count += 1;
        self.leader = Some(Leader { user: bid.user.clone(), amount: bid.amount });
        self.last_event_at = Some(at);
        Verdict::Accepted { position: self.position, previous_bid, at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ItemId;

    fn bid(user: &str, amount: &str) -> Bid {
        Bid {
            item: ItemId::parse("lot1").unwrap(),
            user: UserId::parse(user).unwrap(),
            amount: Amount::parse(amount).unwrap(),
            idempotency_key: None,
        }
    }

    fn at(microseconds: i64) -> Timestamp {
        Timestamp::from_microseconds(microseconds).unwrap()
    }

    #[test]
    fn the_first_bid_wins_at_any_price_and_the_next_must_rise_by_one_minor_unit() {
        let mut item = ItemState::new(3);
        let first = item.judge(&bid("alice", "0.01"), at(5));
        let position = Position { epoch: 3, seq: 1 };
        assert_eq!(first, Verdict::Accepted { position, previous_bid: Amount::ZERO, at: at(5) });
        assert_eq!(item.judge(&bid("bob", "0.01"), at(6)), Verdict::Refused(Refusal::TooLow));
        assert_eq!(item.minimum_bid(), Amount::parse("0.02").unwrap());
        assert!(matches!(item.judge(&bid("bob", "0.02"), at(6)), Verdict::Accepted { .. }));
        assert_eq!(item.leader.unwrap().user.as_str(), "bob");
        assert_eq!(item.bid_count, 2);
    }

    #[test]
    fn a_refused_bid_changes_nothing() {
        let mut item = ItemState::new(1);
        item.judge(&bid("alice", "5"), at(5));
        let before = item.clone();
        item.judge(&bid("bob", "4.99"), at(9));
        assert_eq!(item, before);
    }

    #[test]
    fn an_items_time_never_goes_back() {
        let mut item = ItemState::new(1);
        item.judge(&bid("alice", "1"), at(9));
        let Verdict::Accepted { at: second, .. } = item.judge(&bid("bob", "2"), at(4)) else { panic!("accepted") };
        assert_eq!(second, at(9));
    }

    #[test]
    fn above_the_largest_amount_nothing_can_be_bid() {
        let mut item = ItemState::new(1);
        item.judge(&bid("alice", "9999999999999.99"), at(1));
        assert_eq!(item.judge(&bid("bob", "9999999999999.99"), at(2)), Verdict::Refused(Refusal::TooLow));
    }
}
