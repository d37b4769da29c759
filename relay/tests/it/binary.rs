//! The program itself: settings, signals, exit.

use std::process::{Child, Command, Stdio};

use local::Role;
use rustix::process::{Pid, Signal, kill_process};

use crate::client::Client;
use crate::stage::{Stage, until};

/// A process that does not outlive its test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn relay(stage: &Stage, address: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relay"));
    command.env("REDIS_URL", stage.redis.url_of(Role::Relay)).env("NATS_URL", stage.nats.url_of(Role::Relay));
    command.env("RELAY_ADDR", address).stderr(Stdio::piped());
    command
}

fn free_address() -> std::net::SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polite_signal_closes_all_viewers_with_come_back_and_ends_the_program_with_success() {
    let stage = Stage::start().await;
    for signal in [Signal::TERM, Signal::INT] {
        let address = free_address();
        let mut program = Program(relay(&stage, &address.to_string()).spawn().unwrap());
        until("it listens", async || tokio::net::TcpStream::connect(address).await.is_ok()).await;
        let one = Client::connect(address, "lot1").await;
        let two = Client::connect(address, "lot2").await;
        kill_process(Pid::from_child(&program.0), signal).unwrap();
        for viewer in [one, two] {
            let (_, close) = viewer.until_closed().await;
            assert_eq!(u16::from(close.code), 1012);
        }
        until("it has ended", async || tokio::net::TcpStream::connect(address).await.is_err()).await;
        assert!(program.0.wait().unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_setting_is_named() {
    let stage = Stage::start().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (name, value) in [
        ("RELAY_ADDR", "nonsense"),
        ("RELAY_ADDR", taken.as_str()),
        ("REDIS_URL", "nonsense"),
        ("NATS_URL", "nats://in valid"),
        ("RELAY_ORIGINS", "nonsense"),
        ("RELAY_CONNECTIONS_MAX", "many"),
        ("RELAY_CONNECTIONS_MAX", "0"),
        ("RELAY_CONNECTIONS_OF_ADDRESS_MAX", "0"),
        ("RELAY_SHARDS", "0"),
        ("RELAY_RING_FRAMES", "100"),
        ("RELAY_SLOW_VIEWERS", "drop"),
        ("RELAY_DRAIN_S", "-1"),
        ("RELAY_COMPRESSION", "maybe"),
    ] {
        let output = relay(&stage, "127.0.0.1:0").env(name, value).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(name), "{name}={value}: {said}");
    }
}
