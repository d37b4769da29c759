//! What the tests share: an open ledger on a Redis of its own, and bids in one line.

use auction::{Amount, Bid, IdempotencyKey, ItemId, UserId};
use ledger::{Judged, Ledger, NewIds};
use local::Server;
use local::testing::redis;

pub(crate) async fn open_ledger() -> (Server, Ledger) {
    let server = redis().await;
    let ledger = Ledger::new(&server.url()).unwrap();
    ledger.open(1).await.unwrap();
    (server, ledger)
}

pub(crate) fn item(id: &str) -> ItemId {
    ItemId::parse(id).unwrap()
}

pub(crate) fn bid(item_id: &str, user: &str, amount: &str) -> Bid {
    Bid {
        item: item(item_id),
        user: UserId::parse(user).unwrap(),
        amount: Amount::parse(amount).unwrap(),
        idempotency_key: None,
    }
}

pub(crate) fn keyed(item_id: &str, user: &str, amount: &str, key: &str) -> Bid {
    Bid { idempotency_key: Some(IdempotencyKey::parse(key).unwrap()), ..bid(item_id, user, amount) }
}

pub(crate) async fn place(ledger: &Ledger, bid: &Bid) -> Judged {
    ledger.place_bid(bid, NewIds::random(), true).await.unwrap()
}

/// A raw connection, for what only a test may do to Redis.
pub(crate) async fn raw(server: &Server) -> redis::aio::MultiplexedConnection {
    redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

/// From now on Redis has no memory for anything new.
pub(crate) async fn fill(server: &Server) {
    configure(server, "maxmemory", "1").await;
}

pub(crate) async fn configure(server: &Server, setting: &str, value: &str) {
    let mut connection = raw(server).await;
    let () = redis::cmd("CONFIG").arg(&["SET", setting, value]).query_async(&mut connection).await.unwrap();
}

/// Puts something else in the place of an item's state.
pub(crate) async fn overwrite_state(server: &Server, item_id: &str, state: &[u8]) {
    let mut connection = raw(server).await;
    let pattern = format!("a:*:i:{item_id}");
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut connection).await.unwrap();
    let () = redis::cmd("SET").arg(&keys[0]).arg(state).query_async(&mut connection).await.unwrap();
}

/// Everything in Redis, to see that nothing changed.
pub(crate) async fn dump(server: &Server) -> Vec<(String, Option<Vec<u8>>)> {
    let mut connection = raw(server).await;
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    keys.sort();
    let mut dump = Vec::new();
    for key in keys {
        let bytes = redis::cmd("DUMP").arg(&key).query_async(&mut connection).await.unwrap();
        dump.push((key, bytes));
    }
    dump
}
