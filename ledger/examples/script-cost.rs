//! What a bid costs Redis: the processor time of a call of our script, beside that of the original's script, which reads
//! and writes two keys and does nothing else. Both in one run, in turn, so that only their ratio matters.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement, run by hand")]

use auction::{Amount, Bid, IdempotencyKey, ItemId, UserId};
use ledger::{Ledger, NewIds};
use redis::aio::MultiplexedConnection;

const CONNECTIONS: u64 = 50;
const PIPELINE: u64 = 16;
/// Calls of each bidder in a round: 50 connections with 16 bidders each make 40,000 calls.
const CALLS_EACH: u64 = 50;
const ROUNDS: u64 = 7;

/// As the original has it: the price and the leader of an item are two keys.
const ORIGINAL: &str = "
local current = redis.call('GET', KEYS[1])
if current and tonumber(ARGV[1]) <= tonumber(current) then return {0, current} end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2])
return {1, ARGV[1]}";

/// In the order of the report.
const KINDS: [&str; 6] = [
    "original, accept",
    "original, refuse",
    "ours, accept",
    "ours, refuse",
    "ours, accept with key",
    "ours, repetition",
];

#[tokio::main]
async fn main() {
    let server = local::testing::redis().await;
    let client = redis::Client::open(server.url()).unwrap();
    let mut control = client.get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("CONFIG").arg(&["SET", "appendonly", "no"]).query_async(&mut control).await.unwrap();
    Ledger::new(&server.url()).unwrap().open(1).await.unwrap();
    let mut costs: [Vec<f64>; KINDS.len()] = Default::default();
    for round in 0..=ROUNDS {
        for (kind, costs) in costs.iter_mut().enumerate() {
            let before = processor_microseconds(&mut control).await;
            run(&server.url(), &client, kind, round).await;
            let calls = (CONNECTIONS * PIPELINE * CALLS_EACH) as f64;
            // The first round warms up, and makes the prices that later ones are refused by.
            if round > 0 {
                costs.push((processor_microseconds(&mut control).await - before) / calls);
            }
        }
    }
    let medians = costs.map(|mut costs| {
        costs.sort_by(f64::total_cmp);
        costs[costs.len() / 2]
    });
    println!("Redis, microseconds of processor time per call, median of {ROUNDS} rounds");
    println!("{CONNECTIONS} connections, {PIPELINE} calls under way on each, no append-only file\n");
    for (kind, (name, cost)) in KINDS.iter().zip(medians).enumerate() {
        // A repetition is beside a refusal: neither writes.
        let original = medians[usize::from(matches!(kind, 1 | 3 | 5))];
        println!("{name:<24} {cost:>6.2}   {:.2}x", cost / original);
    }
    server.stop().await.unwrap();
}

async fn processor_microseconds(connection: &mut MultiplexedConnection) -> f64 {
    let info: String = redis::cmd("INFO").arg("cpu").query_async(connection).await.unwrap();
    let seconds = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse::<f64>().unwrap();
    (seconds("used_cpu_sys:") + seconds("used_cpu_user:")) * 1e6
}

async fn run(url: &str, client: &redis::Client, kind: usize, round: u64) {
    let mut bidders = tokio::task::JoinSet::new();
    for connection in 0..CONNECTIONS {
        let raw = client.get_multiplexed_async_connection().await.unwrap();
        let ledger = Ledger::new(url).unwrap();
        for slot in 0..PIPELINE {
            let item = format!("lot_{kind}_{connection}_{slot}");
            match kind {
                0 | 1 => drop(bidders.spawn(bid_originally(raw.clone(), item, kind == 0, round))),
                _ => drop(bidders.spawn(bid(ledger.clone(), item, kind, round))),
            }
        }
    }
    while let Some(done) = bidders.join_next().await {
        done.unwrap();
    }
}

/// Rising, or after the first round, which makes a price, never more than that.
fn amount(accepts: bool, round: u64, call: u64) -> u64 {
    match accepts || round == 0 {
        true => 10_000 + round * CALLS_EACH + call,
        false => 9_999,
    }
}

async fn bid_originally(mut connection: MultiplexedConnection, item: String, accepts: bool, round: u64) {
    let script = redis::Script::new(ORIGINAL);
    for call in 0..CALLS_EACH {
        let mut invocation = script.key(format!("item:{item}:current_bid"));
        invocation.key(format!("item:{item}:highest_bidder")).arg(amount(accepts, round, call)).arg("bidder_7");
        let (verdict, _): (u8, String) = invocation.invoke_async(&mut connection).await.unwrap();
        assert_eq!(verdict == 1, accepts || round == 0);
    }
}

async fn bid(ledger: Ledger, item: String, kind: usize, round: u64) {
    let (accepts, keyed, repeats) = (kind != 3, kind >= 4, kind == 5);
    for call in 0..CALLS_EACH {
        let offered = if repeats { 10_000 } else { amount(accepts, round, call) };
        let key = if repeats { "the same".replace(' ', "_") } else { format!("{round}-{call}") };
        let bid = Bid {
            item: ItemId::parse(&item).unwrap(),
            user: UserId::parse("bidder_7").unwrap(),
            amount: Amount::from_minor_units(offered).unwrap(),
            idempotency_key: keyed.then(|| IdempotencyKey::parse(&key).unwrap()),
        };
        let judged = ledger.place_bid(&bid, NewIds::random(), true).await.unwrap();
        assert_eq!(!judged.events.is_empty(), accepts || round == 0, "{judged:?}");
    }
}
