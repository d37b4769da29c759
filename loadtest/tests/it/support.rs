//! A viewer, and looks behind the interface.

use std::time::Duration;

use futures_util::StreamExt;
use local::System;
use serde_json::{Value, json};
use tokio::{net::TcpStream, process::Command};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// Bounds every wait: far above what any step takes on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Viewer {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Viewer {
    /// Connects, and hands over the first frame too.
    pub(crate) async fn connect(system: &System, item: &str) -> (Self, Value) {
        let (socket, _) = connect_async(format!("{}/ws/items/{item}", system.relay_url())).await.unwrap();
        let mut viewer = Self { socket };
        let first = viewer.frame().await;
        assert_eq!(first["type"], "connected", "{first}");
        (viewer, first)
    }

    pub(crate) async fn frame(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(DEADLINE, self.socket.next()).await.expect("a frame in time");
            match message.expect("a frame").expect("a good frame") {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("not a frame of an event: {other:?}"),
            }
        }
    }

    /// The seqs of the next `count` frames.
    pub(crate) async fn seqs(&mut self, count: usize) -> Vec<u64> {
        let mut seqs = Vec::with_capacity(count);
        while seqs.len() < count {
            seqs.push(self.frame().await["seq"].as_u64().unwrap());
        }
        seqs
    }
}

pub(crate) async fn bid(system: &System, item: &str, user: &str, amount: u64) -> (u16, Value) {
    let url = format!("{}/api/v1/items/{item}/bid", system.api_url());
    let request = reqwest::Client::new().post(url).json(&json!({ "user_id": user, "amount": amount }));
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// What psql prints for a query.
pub(crate) async fn psql(system: &System, query: &str) -> String {
    output("psql", &["--no-psqlrc", "-tA", "-d", &system.postgres_url(), "-c", query]).await
}

/// Without a password, as in the guide: what everybody may read.
pub(crate) async fn redis_cli(system: &System, arguments: &[&str]) -> String {
    let redis = system.addresses().redis;
    let (ip, port) = (redis.ip().to_string(), redis.port().to_string());
    output("redis-cli", &[&["-h", &ip, "-p", &port], arguments].concat()).await
}

async fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Waits until a query has an answer.
pub(crate) async fn until_psql(system: &System, query: &str, expected: &str) {
    let mut last = String::new();
    let reached = async {
        loop {
            last = psql(system, query).await;
            if last == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let outcome = tokio::time::timeout(DEADLINE, reached).await;
    assert!(outcome.is_ok(), "{query}: {last}, not {expected}");
}
