//! The worker as a process.

use std::process::{Child, Command, Output, Stdio};

use local::Role;

use crate::{rig::Rig, wait::until_ok};

const PROGRAM: &str = env!("CARGO_BIN_EXE_archival-worker");

fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn start(rig: &Rig, address: &str) -> Child {
    let mut command = Command::new(PROGRAM);
    let postgres = &rig.database.server;
    command.env("REDIS_URL", rig.redis.url_of(Role::Worker)).env("NATS_URL", rig.nats.url_of(Role::Worker));
    command.env("POSTGRES_URL", postgres.url_of(Role::Worker)).env("MIGRATIONS_POSTGRES_URL", postgres.url());
    command.env("WORKER_ADDR", address);
    command.stderr(Stdio::piped()).spawn().unwrap()
}

async fn end(child: Child, signal: &str) -> Output {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap()
}

#[tokio::test]
async fn it_ends_well_when_told_and_works_again_after_a_kill() {
    let rig = Rig::start().await;
    let address = free_address();
    for (seq, signal) in (1..).zip(["-TERM", "-KILL", "-INT"]) {
        let child = start(&rig, &address);
        until_ok("ready", async || {
            let answer = reqwest::get(format!("http://{address}/ready")).await;
            answer.and_then(reqwest::Response::error_for_status)
        })
        .await;
        rig.publish(&rig.place("lot", seq).await).await;
        rig.until_archived(seq.cast_signed()).await;
        let output = end(child, signal).await;
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), signal != "-KILL", "{signal}: {log}");
    }
}

#[test]
fn a_setting_that_is_none_is_named_and_a_password_is_not() {
    let cases = [
        ("WORKER_ADDR", "nowhere"),
        ("POSTGRES_URL", "mysql://bidding:secret@127.0.0.1/x"),
        ("MIGRATIONS_POSTGRES_URL", "mysql://bidding:secret@127.0.0.1/x"),
        ("NATS_URL", "nats://secret@127.0.0.1:port"),
        ("REDIS_URL", "http://secret"),
    ];
    for (variable, value) in cases {
        let mut command = Command::new(PROGRAM);
        let output = command.env("WORKER_ADDR", "127.0.0.1:0").env(variable, value).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        assert!(error.contains(variable), "{variable}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
