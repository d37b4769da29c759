//! The whole system with a user for each program: everybody may do what he needs, and no password is seen.

use std::fs;

use local::{Role, System, testing};
use tokio::process::Command;

use crate::support::{Viewer, bid, until_psql};

fn passwords(system: &System) -> Vec<String> {
    let of_all = ["redis", "nats"].map(|server| Role::ALL.map(|role| system.server(server).password_of(role)));
    let of_some = [Role::Functions, Role::Worker].map(|role| system.server("postgres").password_of(role));
    of_all.into_iter().flatten().chain(of_some).collect()
}

async fn refused_by_redis(system: &System) -> String {
    let redis = system.server("redis");
    let (ip, port) = redis.address().split_once(':').expect("an address");
    let mut command = Command::new("redis-cli");
    command.args(["-h", ip, "-p", port, "--user", "operator", "ACL", "LOG"]);
    command.env("REDISCLI_AUTH", redis.password_of(Role::Operator));
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_refused_what_he_needs_and_no_password_is_on_a_command_line_or_in_a_log() {
    let system = testing::system().await;
    let (mut viewer, _) = Viewer::connect(&system, "lot1").await;
    for amount in 1..=5 {
        assert_eq!(bid(&system, "lot1", "alice", amount).await.0, 201);
    }
    assert_eq!(viewer.seqs(5).await, [1, 2, 3, 4, 5]);
    let bids = reqwest::get(format!("{}/api/v1/items/lot1/bids", system.api_url())).await.unwrap();
    assert_eq!(bids.status(), 200);
    until_psql(&system, "SELECT count(*) FROM bids", "5").await;
    assert_eq!(refused_by_redis(&system).await, "");
    let nats = fs::read_to_string(system.server("nats").log_file()).unwrap();
    assert!(!nats.contains("Violation"), "{nats}");

    let lines =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let mut seen: String = lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect();
    for server in system.servers() {
        seen += &fs::read_to_string(server.log_file()).unwrap();
    }
    assert!(seen.contains("place-bid"), "no sandbox was seen");
    for password in passwords(&system) {
        assert!(!seen.contains(&password), "a password was seen");
    }
}
