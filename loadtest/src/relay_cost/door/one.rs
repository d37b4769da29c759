//! A viewer that comes in by itself, in a task.

use anyhow::{Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Door, Entry};
use crate::relay_cost::frames::FrameCounter;

pub(in crate::relay_cost) async fn connect(door: &Door) -> Result<TcpStream> {
    let stream = TcpStream::connect(door.address).await?;
    stream.set_nodelay(true)?;
    // With a reset: so many ports that wait for last words would be in the way of the next crowd.
    stream.set_zero_linger()?;
    Ok(stream)
}

/// Returns when it is in, and how many messages it has seen by then.
pub(in crate::relay_cost) async fn enter_over(stream: &mut TcpStream, door: &Door) -> Result<(FrameCounter, u32)> {
    stream.write_all(door.request().as_bytes()).await?;
    let mut entry = Entry::new(door);
    let mut buffer = [0; 2048];
    while !entry.is_in() {
        match stream.read(&mut buffer).await? {
            0 => bail!("the server hung up"),
            read => {
                if let Some(hello) = entry.feed(&buffer[..read])? {
                    stream.write_all(&hello).await?;
                }
            }
        }
    }
    Ok(entry.into_counter())
}
