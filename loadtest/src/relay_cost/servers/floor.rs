//! The floor: what the kernel takes. A process that has the message as a frame and does nothing but `send()` it on all
//! sockets; the messages of a burst in one. Nobody who speaks WebSocket over TCP can be faster in the same way.

mod socket;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail};

pub(super) use self::socket::Way;
use self::socket::{Burst, Socket};
use super::{Processes, Server, launch, message, place};
use crate::relay_cost::door::{ACCEPT, Door};
use crate::relay_cost::publisher::Publisher;

pub(super) fn start(threads: usize, way: Way) -> Result<Server> {
    let place = place()?;
    let address = place.addresses.relay;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["relay-floor", &address.to_string(), &threads.to_string(), way.name()]);
    let process = launch(&command, &place.folder, &[address])?;
    let publisher = Publisher::floor(address, "/publish")?;
    Ok(Server {
        door: Door::plain(address, "/viewers"),
        publisher,
        message_bytes: message()?.len(),
        processes: Processes::Alone { process, _place: place },
    })
}

#[derive(clap::Args)]
pub struct FloorArguments {
    address: SocketAddr,
    threads: usize,
    way: Way,
}

/// The sockets of one sending thread.
type Share = Mutex<Vec<Socket>>;

/// The process itself. It runs until it is killed.
pub fn run(arguments: &FloorArguments) -> Result<()> {
    let listener = TcpListener::bind(arguments.address)?;
    let message = message()?;
    let shares: Vec<Share> = (0..arguments.threads).map(|_| Share::default()).collect();
    thread::scope(|scope| {
        let mut came = 0;
        for stream in listener.incoming() {
            // Who only knocks is no viewer.
            let Ok((stream, is_publisher)) = stream.map_err(Into::into).and_then(answer) else { continue };
            if is_publisher {
                scope.spawn(|| obey(stream, &shares, &message));
            } else {
                // The threads that read take every other one: each half has some of both.
                lock(&shares[came / 2 % shares.len()]).push(Socket::new(stream, arguments.way));
                came += 1;
            }
        }
    });
    Ok(())
}

fn answer(mut stream: TcpStream) -> Result<(TcpStream, bool)> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer)? {
            0 => bail!("no request"),
            read => request.extend_from_slice(&buffer[..read]),
        }
    }
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept:";
    stream.write_all(format!("{head} {ACCEPT}\r\n\r\n").as_bytes())?;
    let is_publisher = request.starts_with(b"GET /publish ");
    stream.set_nodelay(true)?;
    stream.set_nonblocking(!is_publisher)?;
    Ok((stream, is_publisher))
}

/// Sends as often as the publisher says. The first share is this thread's own, each other has a thread that waits.
fn obey(mut publisher: TcpStream, shares: &[Share], message: &str) -> Result<()> {
    thread::scope(|scope| {
        let (own, others) = shares.split_first().context("no thread")?;
        let mut wake = Vec::new();
        for share in others {
            let (sender, orders) = sync_channel::<Burst>(1);
            wake.push(sender);
            scope.spawn(move || orders.into_iter().for_each(|burst| send(share, &burst)));
        }
        let mut messages = [0];
        while publisher.read(&mut messages)? > 0 {
            let burst = Burst::new(message, messages[0]);
            for thread in &wake {
                thread.send(burst.clone())?;
            }
            send(own, &burst);
        }
        Ok(())
    })
}

fn send(share: &Share, burst: &Burst) {
    lock(share).iter_mut().for_each(|socket| socket.send(burst));
}

fn lock(share: &Share) -> std::sync::MutexGuard<'_, Vec<Socket>> {
    share.lock().unwrap_or_else(PoisonError::into_inner)
}
