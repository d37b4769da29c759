//! The script and the rule judge the same random bids and must agree on every verdict.

use std::{cell::Cell, collections::HashMap};

use auction::{Amount, Bid, Happening, IdempotencyKey, ItemState, Timestamp, UserId, Verdict};
use ledger::{Judged, Ledger, NewIds};
use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};

use crate::support::{item, open_ledger};

#[derive(Clone, Debug)]
struct Step {
    user: u8,
    key: Option<u8>,
    minor_units: u64,
}

impl Step {
    fn bid(&self, id: &str) -> Bid {
        Bid {
            item: item(id),
            user: UserId::parse(&format!("user_{}", self.user)).unwrap(),
            amount: Amount::from_minor_units(self.minor_units).unwrap(),
            idempotency_key: self.key.map(|key| IdempotencyKey::parse(&key.to_string()).unwrap()),
        }
    }
}

/// Judged in one call.
#[derive(Clone, Debug)]
struct Batch {
    steps: Vec<Step>,
    now_microseconds: i64,
}

/// Amounts that collide often, and some at the edges.
fn step() -> impl Strategy<Value = Step> {
    let minor_units =
        prop_oneof![8 => 1..40_u64, 2 => 95..1_100_u64, 1 => 999_999_999_999_990..=999_999_999_999_999_u64];
    (0..4_u8, prop::option::of(0..3_u8), minor_units).prop_map(|(user, key, minor_units)| Step {
        user,
        key,
        minor_units,
    })
}

/// A clock that also goes back; most batches have one bid.
fn batch() -> impl Strategy<Value = Batch> {
    let now =
        prop_oneof![1_795_456_000_000_000..1_795_456_000_000_100_i64, 1_795_456_063_000_000..1_795_456_064_000_000_i64];
    let steps = prop_oneof![2 => prop::collection::vec(step(), 1), 1 => prop::collection::vec(step(), 2..8)];
    (steps, now).prop_map(|(steps, now_microseconds)| Batch { steps, now_microseconds })
}

#[test]
fn the_script_judges_as_the_rule_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_server, ledger) = runtime.block_on(open_ledger());
    // `PROPTEST_RNG_SEED=…` repeats a run.
    let seed = match ProptestConfig::default().rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => NewIds::random().event_id.as_u64_pair().1,
    };
    let config =
        ProptestConfig { cases: 200, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Default::default() };
    let mut runner = TestRunner::new(config);
    let case = Cell::new(0);
    let batches = prop::collection::vec(batch(), 1..40);
    let outcome = runner.run(&batches, |batches| {
        case.set(case.get() + 1);
        runtime.block_on(check(&ledger, &format!("lot_{}", case.get()), &batches))
    });
    outcome.unwrap_or_else(|failure| panic!("PROPTEST_RNG_SEED={seed}\n{failure}"));
}

async fn check(ledger: &Ledger, id: &str, batches: &[Batch]) -> Result<(), TestCaseError> {
    let mut model = ItemState::new(1);
    let mut accepted = Vec::new();
    let mut answered = HashMap::new();
    for (step, bid, now, judged) in judge(ledger, id, batches).await {
        let key = step.key.map(|key| (step.user, key));
        if let Some(first) = key.and_then(|key| answered.get(&key)) {
            let first: &Judged = first;
            let Happening::Bid(accepted) = &first.events[0].event.happening;
            if accepted.amount == bid.amount {
                prop_assert_eq!(&judged, &Judged { is_repetition: true, ..first.clone() });
            } else {
                prop_assert_eq!(judged.verdict, Verdict::KeyReused);
            }
            continue;
        }
        prop_assert!(!judged.is_repetition);
        prop_assert_eq!(judged.verdict, model.judge(&bid, now));
        prop_assert_eq!(&judged.item, &model);
        if let Verdict::Accepted { position, at, .. } = judged.verdict {
            prop_assert_eq!(judged.events.len(), 1);
            prop_assert_eq!((judged.events[0].event.position, judged.events[0].event.timestamp), (position, at));
            if let Some(key) = key {
                answered.insert(key, judged.clone());
            }
        }
        accepted.extend(judged.events.into_iter().map(|placed| placed.event));
    }
    let log = ledger.events_after(&item(id), auction::Position::default(), 1_000).await.unwrap().events;
    prop_assert_eq!(&log, &accepted);
    let seqs: Vec<u64> = log.iter().map(|event| event.position.seq).collect();
    prop_assert_eq!(seqs, (1..=model.position.seq).collect::<Vec<_>>());
    Ok(())
}

/// What the script makes of each bid.
async fn judge<'a>(ledger: &Ledger, id: &str, batches: &'a [Batch]) -> Vec<(&'a Step, Bid, Timestamp, Judged)> {
    let mut all = Vec::new();
    for Batch { steps, now_microseconds } in batches {
        let now = Timestamp::from_microseconds(*now_microseconds).unwrap();
        let bids: Vec<Bid> = steps.iter().map(|step| step.bid(id)).collect();
        let offered: Vec<_> = bids.iter().map(|bid| (bid, NewIds::random())).collect();
        let judged = ledger.place_bids_at(&item(id), &offered, now).await.unwrap();
        assert_eq!(judged.len(), bids.len());
        let each = steps.iter().zip(bids.clone()).zip(judged);
        all.extend(each.map(|((step, bid), judged)| (step, bid, now, judged.unwrap())));
    }
    all
}
