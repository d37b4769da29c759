//! A WebSocket client that waits for frames with a deadline.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Message,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};

use crate::stage::DEADLINE;

const SUBSCRIBERS: &str = r#"{"type":"subscribers""#;

pub(crate) struct Client {
    pub(crate) connected: Value,
    socket: WebSocketStream<TcpStream>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, item: &str) -> Self {
        let mut socket = handshake(address, item).await;
        let Message::Text(first) = receive(&mut socket).await else { panic!("the first frame is no text") };
        let connected: Value = serde_json::from_str(&first).unwrap();
        assert_eq!(connected["type"], "connected");
        Self { connected, socket }
    }

    /// Like [`Client::connect`] where the relay may be full.
    pub(crate) async fn try_connect(address: SocketAddr, item: &str) -> Option<Self> {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut socket, _) = client_async(format!("ws://{address}/ws/items/{item}"), stream).await.ok()?;
        let first = receive(&mut socket).await;
        Some(Self { connected: serde_json::from_str(first.to_text().unwrap()).unwrap(), socket })
    }

    pub(crate) async fn frame(&mut self) -> String {
        text(&mut self.socket).await
    }

    pub(crate) async fn frames(&mut self, count: usize) -> Vec<String> {
        let mut frames = Vec::with_capacity(count);
        for _ in 0..count {
            frames.push(self.frame().await);
        }
        frames
    }

    /// What comes until the connection is closed, and how it is closed.
    pub(crate) async fn until_closed(self) -> (Vec<String>, CloseFrame) {
        until_closed(self.socket).await
    }

    pub(crate) async fn close(mut self) {
        self.socket.close(None).await.unwrap();
    }

    pub(crate) async fn say(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    pub(crate) async fn receive(&mut self) -> Message {
        receive(&mut self.socket).await
    }

    /// Sends bytes past the protocol and returns how the relay closes the connection.
    pub(crate) async fn send_raw(self, bytes: &[u8]) -> CloseFrame {
        let mut stream = self.socket.into_inner();
        stream.write_all(bytes).await.unwrap();
        let (_, close) = until_closed(WebSocketStream::from_raw_socket(stream, Role::Client, None).await).await;
        close
    }

    /// Sends bytes past the protocol and returns all that comes back until the end of the connection.
    pub(crate) async fn send_raw_until_the_end(self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.socket.into_inner();
        stream.write_all(bytes).await.unwrap();
        read_until_the_end(stream).await
    }
}

async fn handshake(address: SocketAddr, item: &str) -> WebSocketStream<TcpStream> {
    open(address, &format!("/ws/items/{item}")).await
}

/// A connection that has read nothing yet.
pub(crate) async fn open(address: SocketAddr, path: &str) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (socket, _) = client_async(format!("ws://{address}{path}"), stream).await.unwrap();
    socket
}

/// A viewer that has not read anything yet, and can take little while it does not.
pub(crate) async fn stalled(address: SocketAddr, item: &str) -> WebSocketStream<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(address).await.unwrap();
    let config = WebSocketConfig::default().read_buffer_size(512);
    let url = format!("ws://{address}/ws/items/{item}");
    let (socket, _) = tokio_tungstenite::client_async_with_config(url, stream, Some(config)).await.unwrap();
    socket
}

/// The next text.
pub(crate) async fn text(socket: &mut WebSocketStream<TcpStream>) -> String {
    let receiving = async {
        loop {
            match receive(socket).await {
                // It comes whenever it likes.
                Message::Text(text) if text.starts_with(SUBSCRIBERS) => {}
                Message::Text(text) => return text.as_str().to_owned(),
                // Pings must not keep a test waiting that waits in vain.
                Message::Ping(_) => {}
                other => panic!("not a text: {other:?}"),
            }
        }
    };
    timeout(DEADLINE, receiving).await.expect("no frame came")
}

/// Like [`Client::connect`] where the relay is expected to close instead of showing anything.
pub(crate) async fn refused(address: SocketAddr, item: &str) -> CloseFrame {
    let (frames, close) = until_closed(handshake(address, item).await).await;
    assert_eq!(frames, Vec::<String>::new());
    close
}

pub(crate) async fn until_closed(mut socket: WebSocketStream<TcpStream>) -> (Vec<String>, CloseFrame) {
    let mut frames = Vec::new();
    loop {
        match receive(&mut socket).await {
            Message::Text(text) if text.starts_with(SUBSCRIBERS) => {}
            Message::Text(text) => frames.push(text.as_str().to_owned()),
            Message::Close(Some(close)) => return (frames, close),
            Message::Close(None) => panic!("closed without a code"),
            _ => {}
        }
    }
}

async fn receive(socket: &mut WebSocketStream<TcpStream>) -> Message {
    let received = timeout(DEADLINE, socket.next()).await.expect("nothing was received");
    received.expect("the connection ended").expect("the connection broke")
}

/// Sends a request as it stands and returns all that comes back until the end of the connection.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    String::from_utf8(read_until_the_end(stream).await).unwrap()
}

async fn read_until_the_end(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut bytes)).await.expect("the connection stays open").unwrap();
    bytes
}
