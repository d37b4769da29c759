//! A cable that can be pulled: hands bytes on between a client and a server until it is told not to.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

const CHUNK: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cable {
    Whole,
    /// Nothing passes, and nobody is told; what was under way comes when it is whole again.
    Silent,
    /// Every connection is closed, and so is each new one.
    Broken,
}

/// Stops when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    cable: watch::Sender<Cable>,
    _connections: JoinSet<()>,
}

impl Proxy {
    pub async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (cable, watched) = watch::channel(Cable::Whole);
        let mut connections = JoinSet::new();
        connections.spawn(accept(listener, server, watched));
        Ok(Self { address, cable, _connections: connections })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn cut(&self, silent: bool) {
        self.cable.send_replace(if silent { Cable::Silent } else { Cable::Broken });
    }

    pub fn mend(&self) {
        self.cable.send_replace(Cable::Whole);
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, cable: watch::Receiver<Cable>) {
    let mut connections = JoinSet::new();
    loop {
        // Out of files, or a client that is gone already: the next one may be luckier.
        if let Ok((client, _)) = listener.accept().await {
            connections.spawn(connect(client, server, cable.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connect(client: TcpStream, server: SocketAddr, mut cable: watch::Receiver<Cable>) {
    let mut broken = cable.clone();
    let carry = async {
        cable.wait_for(|cable| *cable != Cable::Silent).await.map_err(io::Error::other)?;
        let server = TcpStream::connect(server).await?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::try_join!(pass(from_client, to_server, cable.clone()), pass(from_server, to_client, cable.clone()))
    };
    tokio::select! {
        _ = carry => {}
        _ = broken.wait_for(|cable| *cable == Cable::Broken) => {}
    }
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut cable: watch::Receiver<Cable>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = from.read(&mut chunk).await?;
        cable.wait_for(|cable| *cable != Cable::Silent).await.map_err(io::Error::other)?;
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&chunk[..count]).await?;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    async fn byte(stream: &mut TcpStream) -> io::Result<u8> {
        tokio::time::timeout(Duration::from_secs(10), stream.read_u8()).await.expect("an answer in time")
    }

    /// A client that was answered.
    async fn connected(proxy: &Proxy) -> TcpStream {
        let mut client = TcpStream::connect(proxy.address()).await.unwrap();
        client.write_all(b"a").await.unwrap();
        assert_eq!(byte(&mut client).await.unwrap(), b'a');
        client
    }

    #[tokio::test]
    async fn what_is_sent_through_a_silent_cable_comes_when_it_is_whole_again() {
        let proxy = Proxy::start(echo().await).await.unwrap();
        let mut client = connected(&proxy).await;
        proxy.cut(true);
        client.write_all(b"b").await.unwrap();
        let silence = tokio::time::timeout(Duration::from_millis(50), client.read_u8()).await;
        assert!(silence.is_err());
        proxy.mend();
        assert_eq!(byte(&mut client).await.unwrap(), b'b');
    }

    #[tokio::test]
    async fn a_broken_cable_ends_connections_until_it_is_mended() {
        let proxy = Proxy::start(echo().await).await.unwrap();
        let mut client = connected(&proxy).await;
        proxy.cut(false);
        assert!(byte(&mut client).await.is_err());
        let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(byte(&mut refused).await.is_err());
        proxy.mend();
        connected(&proxy).await;
    }
}
