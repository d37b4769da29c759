use anyhow::Result;
use local::{Role, Server, testing};

use crate::answers;

#[track_caller]
fn check(who: &str, command: &str, answer: &str, is_allowed: bool) {
    // A script is told in other words.
    let is_refused = answer.contains("NOPERM") || answer.contains("The user executing the script can't");
    assert_eq!(!is_refused, is_allowed, "{who}: {command}: {answer}");
}

async fn try_all(url: &str, who: &str, allowed: &[&str], refused: &[&str]) -> Result<()> {
    for command in allowed {
        check(who, command, &answers::redis(url, command).await?, true);
    }
    for command in refused {
        check(who, command, &answers::redis(url, command).await?, false);
    }
    Ok(())
}

async fn filled() -> Result<Server> {
    let redis = testing::redis().await;
    for command in ["SET item:lot:current_bid 1.00", "SET a:{s01}:i:lot x", "SET secret x", "XADD a:{s01}:out 1-0 r x"]
    {
        answers::redis(&redis.url(), command).await?;
    }
    Ok(redis)
}

#[tokio::test]
async fn without_a_password_one_reads_the_price_and_nothing_else() -> Result<()> {
    let redis = filled().await?;
    let allowed = ["PING", "GET item:lot:current_bid", "INFO server", "COMMAND COUNT"];
    let refused = [
        "SET item:lot:current_bid 2.00",
        "XADD a:{s01}:out * r forged",
        "GET a:{s01}:i:lot",
        "XRANGE a:{s01}:out - +",
        "EVAL \"return 1\" 0",
        "SCRIPT LOAD \"return 1\"",
        "KEYS *",
        "CONFIG GET *",
        "ACL LIST",
        "FLUSHALL",
        "SHUTDOWN NOSAVE",
        "CLIENT LIST",
        "SUBSCRIBE x",
        "MONITOR",
    ];
    try_all(redis.public_url(), "default", &allowed, &refused).await?;
    assert_eq!(answers::redis(redis.public_url(), "GET item:lot:current_bid").await?, "$4\r\n1.00\r\n");
    Ok(())
}

#[tokio::test]
async fn the_functions_judge_by_the_script_that_is_there_and_can_neither_load_nor_delete() -> Result<()> {
    let redis = filled().await?;
    let writes = "redis.call('XADD', KEYS[1], '*', 'r', 'x'); redis.call('MSET', KEYS[2], '1', KEYS[3], '1'); \
                  redis.call('HSET', KEYS[4], 'k', 'v'); redis.call('EXPIRE', KEYS[4], 86400); \
                  return redis.call('TIME')";
    let loaded = answers::redis(&redis.url_of(Role::Worker), &format!("SCRIPT LOAD \"{writes}\"")).await?;
    let sha = loaded.lines().nth(1).unwrap_or_default().to_owned();
    let judge = format!("EVALSHA {sha} 4 a:{{s01}}:out a:{{s01}}:i:lot item:lot:current_bid a:{{s01}}:k:1");
    let elsewhere = format!("EVALSHA {sha} 4 secret secret secret secret");
    let url = redis.url_of(Role::Functions);
    let allowed = [
        "PING",
        "TIME",
        judge.as_str(),
        "GET a:{s01}:i:lot",
        "XRANGE a:{s01}:out - +",
        "XINFO STREAM a:{s01}:out",
        "MULTI",
        "EVALSHA ffffffffffffffffffffffffffffffffffffffff 1 a:x",
    ];
    let refused = [
        elsewhere.as_str(),
        "GET secret",
        "SCRIPT LOAD \"return 1\"",
        "SCRIPT FLUSH",
        "EVAL \"return 1\" 0",
        "FUNCTION FLUSH",
        "FLUSHALL",
        "FLUSHDB",
        "DEL a:{s01}:i:lot",
        "UNLINK a:{s01}:i:lot",
        "XDEL a:{s01}:out 1-0",
        "XTRIM a:{s01}:out MAXLEN 0",
        "KEYS *",
        "SCAN 0",
        "CONFIG GET *",
        "ACL WHOAMI",
    ];
    try_all(&url, "functions", &allowed, &refused).await
}

#[tokio::test]
async fn the_relay_reads_and_writes_nothing() -> Result<()> {
    let redis = filled().await?;
    let allowed = [
        "PING",
        "TIME",
        "GET a:{s01}:i:lot",
        "XRANGE a:{s01}:out - +",
        "XINFO STREAM a:{s01}:out",
        "MULTI",
        "EXISTS a:x",
    ];
    let refused = [
        "SET a:{s01}:i:lot y",
        "XADD a:{s01}:out * r forged",
        "XDEL a:{s01}:out 1-0",
        "DEL a:{s01}:i:lot",
        "EVALSHA ffffffffffffffffffffffffffffffffffffffff 0",
        "EVAL \"return 1\" 0",
        "SCRIPT LOAD \"return 1\"",
        "GET secret",
        "SCAN 0",
        "FLUSHALL",
        "CONFIG GET *",
    ];
    try_all(&redis.url_of(Role::Relay), "relay", &allowed, &refused).await
}

#[tokio::test]
async fn the_worker_has_all_of_the_ledger_and_nothing_of_the_server() -> Result<()> {
    let redis = filled().await?;
    let allowed = [
        "SCRIPT LOAD \"return 1\"",
        "SCRIPT EXISTS ffffffffffffffffffffffffffffffffffffffff",
        "SCRIPT FLUSH",
        "EVAL \"return redis.call('SET', KEYS[1], '1')\" 1 a:x",
        "SCAN 0 MATCH a:*",
        "INFO server",
        "TIME",
        "SET a:{s01}:epoch 1 NX",
        "XRANGE a:{s01}:out - +",
        "XTRIM a:{s01}:out MINID 1",
        "XDEL a:{s01}:out 1-0",
        "HSET a:h k v",
        "RENAME a:h a:i",
        "DEL a:i item:lot:current_bid",
        "WATCH a:x",
    ];
    let refused = [
        "GET secret",
        "EVAL \"return redis.call('SET', 'secret', '1')\" 0",
        "FLUSHALL",
        "FLUSHDB",
        "KEYS *",
        "CONFIG GET *",
        "SHUTDOWN NOSAVE",
        "ACL LIST",
        "SWAPDB 0 1",
        "REPLICAOF NO ONE",
        "BGREWRITEAOF",
        "CLIENT LIST",
        "FUNCTION FLUSH",
        "MONITOR",
        "PUBLISH x y",
    ];
    try_all(&redis.url_of(Role::Worker), "worker", &allowed, &refused).await
}

/// Redis checks the transactions of its append-only file, which every script is, against the user without a password.
#[tokio::test]
async fn what_a_script_wrote_is_there_after_a_restart_and_visitors_come_in_again() -> Result<()> {
    let redis = testing::redis().await;
    let script = "EVAL \"redis.call('SET', KEYS[1], '1') redis.call('SET', KEYS[2], '2.00')\" 2 a:x item:x:current_bid";
    answers::redis(&redis.url_of(Role::Worker), script).await?;
    for _ in 0..2 {
        redis.kill().await?;
        redis.start().await?;
        assert_eq!(answers::redis(&redis.url(), "GET a:x").await?, "$1\r\n1\r\n");
        assert_eq!(answers::redis(redis.public_url(), "GET item:x:current_bid").await?, "$4\r\n2.00\r\n");
        check("default", "GET a:x", &answers::redis(redis.public_url(), "GET a:x").await?, false);
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_is_no_password() -> Result<()> {
    let redis = testing::redis().await;
    let wrong = format!("redis://operator:{}@{}/", redis.password_of(Role::Relay), redis.address());
    assert!(answers::redis(&wrong, "PING").await.is_err());
    Ok(())
}
