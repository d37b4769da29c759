//! Putting items back to where PostgreSQL has them.

use anyhow::Result;
use auction::{AuctionEvent, Position};
use ledger::{Found, Replacement, Verification};

use super::Verifier;
use crate::archived::{self, ArchivedItem};

impl Verifier<'_> {
    /// Answers how many items were behind.
    pub(super) async fn restore(&self, verification: &Verification, epoch: u64) -> Result<usize> {
        let pool = self.intake.sink().pool();
        let mut restored = 0;
        let mut after = String::new();
        loop {
            let page = archived::items_after(pool, &after).await?;
            let Some(last) = page.last() else { return Ok(restored) };
            after = last.item_id.to_string();
            let ids: Vec<_> = page.iter().map(|item| item.item_id.clone()).collect();
            let found = verification.states(&ids).await?;
            for (archived, found) in page.into_iter().zip(found) {
                if !is_behind(found.as_ref(), archived.state.position) {
                    continue;
                }
                let log = archived::last_events(pool, &archived.item_id, archived.state.position).await?;
                let replacement = replacement(archived, found, log, epoch);
                restored += 1 - verification.replace(&[replacement]).await?.min(1);
            }
        }
    }
}

fn is_behind(found: Option<&Found>, archived: Position) -> bool {
    found.and_then(|found| found.state.as_ref()).is_none_or(|state| state.position < archived)
}

fn replacement(archived: ArchivedItem, expected: Option<Found>, log: Vec<AuctionEvent>, epoch: u64) -> Replacement {
    let ArchivedItem { item_id, mut state } = archived;
    state.position.epoch = epoch;
    Replacement { item: item_id, expected, state, log: Some(rising(log)) }
}

/// The last events whose seq rises, as a log must. That of a Redis which was opened unverified may have begun again.
fn rising(mut events: Vec<AuctionEvent>) -> Vec<AuctionEvent> {
    let seq = |event: &AuctionEvent| event.position.seq;
    let broken = events.windows(2).rposition(|pair| seq(&pair[0]) >= seq(&pair[1]));
    events.split_off(broken.map_or(0, |before| before + 1))
}

#[cfg(test)]
mod tests {
    use auction::{Amount, BidPlaced, Happening, ItemId, Timestamp, UserId};
    use uuid::Uuid;

    use super::*;

    fn event(seq: u64) -> AuctionEvent {
        AuctionEvent {
            event_id: Uuid::from_u128(seq.into()),
            item_id: ItemId::parse("lot").unwrap(),
            position: Position { epoch: 1, seq },
            timestamp: Timestamp::from_microseconds(1).unwrap(),
            happening: Happening::Bid(BidPlaced {
                bid_id: Uuid::from_u128(1),
                user_id: UserId::parse("alice").unwrap(),
                amount: Amount::from_minor_units(seq).unwrap(),
                previous_bid: Amount::ZERO,
            }),
        }
    }

    #[test]
    fn only_the_last_rising_events_make_a_log() {
        for (seqs, expected) in
            [(vec![], vec![]), (vec![1, 2, 4], vec![1, 2, 4]), (vec![1, 2, 2, 3], vec![2, 3]), (vec![5, 1], vec![1])]
        {
            let kept = rising(seqs.into_iter().map(event).collect());
            assert_eq!(kept.iter().map(|event| event.position.seq).collect::<Vec<_>>(), expected);
        }
    }
}
