//! Closing a connection so that the viewer gets to read why.

use futures_util::SinkExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message},
};

use super::Metered;
use crate::closing::Closing;
use crate::limits::{CLOSE_DEADLINE, DISCARDED_BYTES_MAX};

pub(super) async fn say(mut socket: WebSocketStream<Metered>, why: Closing) {
    let telling = async {
        // The answer to a last ping would be written behind the close frame, which must be the end (RFC 6455 5.5.1).
        socket.flush().await?;
        socket.send(Message::Close(Some(why.frame()))).await?;
        Ok::<_, Error>(())
    };
    let told = timeout(CLOSE_DEADLINE, telling).await;
    if matches!(told, Ok(Ok(()))) {
        // Whether the viewer hangs up in time or not, the connection ends here.
        let _ = timeout(CLOSE_DEADLINE, await_hang_up(socket.into_inner().into_stream())).await;
    }
}

/// Ends our side and reads what still comes, until the viewer ends its side.
async fn await_hang_up(mut stream: TcpStream) -> std::io::Result<()> {
    stream.shutdown().await?;
    let mut discarded = [0; 1024];
    let mut count = 0;
    while count < DISCARDED_BYTES_MAX {
        match stream.read(&mut discarded).await? {
            0 => break,
            read => count += read,
        }
    }
    Ok(())
}
