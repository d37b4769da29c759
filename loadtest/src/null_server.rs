//! A server that accepts every bid and does nothing else: what a generator is measured with. Told to, it takes its time.

mod workers;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};

pub use self::workers::Workers;

#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// How long it takes for a request; without, it answers at once
    #[arg(long, value_name = "US")]
    work_us: Option<u64>,
    /// How many requests it works on at once; the others wait
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    workers: u32,
}

/// For a while it does not answer.
#[derive(Clone, Copy, Debug)]
pub struct Stall {
    /// Since it began to serve.
    pub after: Duration,
    pub lasts: Duration,
}

const ACCEPTED: &str =
    r#"{"success":true,"event_id":"01890a5d-ac96-774b-bcce-b302099a8057","epoch":1,"seq":7,"current_bid":7.00}"#;
const REQUEST_MAX: usize = 8 * 1024;

pub async fn run(arguments: &Arguments) -> Result<()> {
    let listener = TcpListener::bind(arguments.listen).await?;
    eprintln!("accepting every bid at http://{}", listener.local_addr()?);
    let workers = arguments.work_us.map(|work_us| Workers::start(arguments.workers, work_us));
    serve(listener, None, workers).await
}

/// Until it is dropped.
pub async fn serve(listener: TcpListener, stall: Option<Stall>, workers: Option<Workers>) -> Result<()> {
    let stall = stall.map(|Stall { after, lasts }| (Instant::now() + after, Instant::now() + after + lasts));
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        tokio::spawn(answer(connection, stall, workers.clone()));
    }
}

/// Ends with the connection.
async fn answer(mut connection: TcpStream, stall: Option<(Instant, Instant)>, workers: Option<Workers>) -> Option<()> {
    let answer = |status| {
        let length = ACCEPTED.len();
        format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{ACCEPTED}")
    };
    let (accepted, looked) = (answer("201 Created"), answer("200 OK"));
    let mut buffer = vec![0; REQUEST_MAX];
    loop {
        let mut length = 0;
        while !is_whole(&buffer[..length]) {
            length += Some(connection.read(&mut buffer[length..]).await.ok()?).filter(|read| *read > 0)?;
        }
        if let Some((from, until)) = stall
            && Instant::now() > from
        {
            sleep_until(until).await;
        }
        if let Some(workers) = &workers {
            workers.work().await;
        }
        let answer = if buffer.starts_with(b"POST") { &accepted } else { &looked };
        connection.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// A bid ends with its body, which is JSON, and a look with an empty line.
fn is_whole(request: &[u8]) -> bool {
    match request.starts_with(b"POST") {
        true => request.ends_with(b"}"),
        false => request.ends_with(b"\r\n\r\n"),
    }
}
