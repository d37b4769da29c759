//! Redis without our client, to spoil what it holds.

use local::Server;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Sends commands as one writes them by hand, one a line.
pub(crate) async fn send(redis: &Server, commands: &str) {
    ask(redis, commands).await;
}

/// [`send`], and what Redis replied.
pub(crate) async fn ask(redis: &Server, commands: &str) -> String {
    let url = redis.url();
    let address = url.trim_start_matches("redis://").trim_end_matches('/');
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(format!("{commands}\nQUIT\n").replace('\n', "\r\n").as_bytes()).await.unwrap();
    let mut replies = String::new();
    connection.read_to_string(&mut replies).await.unwrap();
    assert!(!replies.lines().any(|line| line.starts_with('-')), "{commands}: {replies}");
    replies
}
