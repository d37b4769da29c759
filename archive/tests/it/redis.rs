//! Redis without our client, to spoil what it holds.

use local::{Role, Server};
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
    let mut connection = TcpStream::connect(redis.address()).await.unwrap();
    let login = redis.password_of(Role::Operator);
    connection
        .write_all(format!("AUTH operator {login}\n{commands}\nQUIT\n").replace('\n', "\r\n").as_bytes())
        .await
        .unwrap();
    let mut replies = String::new();
    connection.read_to_string(&mut replies).await.unwrap();
    assert!(!replies.lines().any(|line| line.starts_with('-')), "{commands}: {replies}");
    replies
}
