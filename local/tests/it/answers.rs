//! What a client sees of a server, asked with the tools that a person would use.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

/// Splits `redis://user:password@address/`; without a user the first two are empty.
fn login(url: &str) -> (&str, &str, &str) {
    let (_, rest) = url.split_once("://").expect("a URL");
    let (login, address) = rest.rsplit_once('@').unwrap_or((":", rest));
    let (user, password) = login.split_once(':').expect("a user and a password");
    (user, password, address.trim_end_matches('/'))
}

/// One Redis command in the inline form, and its answer.
pub(crate) async fn redis(url: &str, command: &str) -> Result<String> {
    let (user, password, address) = login(url);
    let mut stream = TcpStream::connect(address).await?;
    if !user.is_empty() {
        stream.write_all(format!("AUTH {user} {password}\r\n").as_bytes()).await?;
        let mut welcome = [0; 5];
        stream.read_exact(&mut welcome).await?;
        ensure!(welcome == *b"+OK\r\n", "AUTH: {}", String::from_utf8_lossy(&welcome));
    }
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.trim_end_matches("+OK\r\n").to_owned() + if command.starts_with("SET") { "OK" } else { "" })
}

/// What `psql` prints for a statement, without decoration.
pub(crate) async fn postgres(url: &str, statement: &str) -> Result<String> {
    let arguments = [url, "--no-psqlrc", "--tuples-only", "--no-align", "--command", statement];
    let output = Command::new("psql").args(arguments).env_clear().kill_on_drop(true).output().await.context("psql")?;
    ensure!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// One request to JetStream's API over a NATS connection of its own, and the answer's JSON.
pub(crate) async fn jetstream(url: &str, api: &str, request: &str) -> Result<serde_json::Value> {
    let (user, password, address) = login(url);
    let mut stream = TcpStream::connect(address).await?;
    let talk = format!(
        "CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\nSUB answer 1\r\nPUB $JS.API.{api} answer {}\r\n{request}\r\nPING\r\n",
        request.len()
    );
    stream.write_all(talk.as_bytes()).await?;
    let mut heard = String::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).await?;
        ensure!(length > 0, "closed after {heard}");
        heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
        let message = heard.split_once("MSG answer").and_then(|(_, rest)| rest.split_once("\r\n"));
        if let Some((body, _)) = message.and_then(|(_, rest)| rest.split_once("\r\n")) {
            return Ok(serde_json::from_str(body)?);
        }
    }
}

/// Whether the answer stays away for a while that is long for a server on loopback.
pub(crate) async fn hangs<T>(answer: impl Future<Output = Result<T>>) -> bool {
    tokio::time::timeout(Duration::from_millis(300), answer).await.is_err()
}
