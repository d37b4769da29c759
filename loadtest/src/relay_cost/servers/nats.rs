//! nats-server, whose viewers speak its own protocol in WebSocket frames.

use std::process::Command;

use anyhow::Result;

use super::{ITEM, Processes, Server, launch, message, place};
use crate::relay_cost::door::{Door, Greeting};
use crate::relay_cost::frames::Counting;
use crate::relay_cost::install::Program;
use crate::relay_cost::publisher::{Language, Publisher};

pub(super) fn start(nats: &Program) -> Result<Server> {
    let place = place()?;
    let (plain, websocket) = (place.addresses.nats, place.addresses.relay);
    let configuration = place.folder.join("nats.conf");
    let text = format!(
        "listen: \"{plain}\"\nping_interval: \"1h\"\nwebsocket {{ listen: \"{websocket}\", no_tls: true, compression: false }}\n"
    );
    std::fs::write(&configuration, text)?;
    let mut command = Command::new(&nats.path);
    command.arg("--config").arg(&configuration);
    let process = launch(&command, &place.folder, &[plain, websocket])?;
    let (subject, message) = (format!("bid_events.{ITEM}"), message()?);
    let message_bytes = message.len();
    let on_the_wire = format!("MSG {subject} 1 {message_bytes}\r\n{message}\r\n");
    let hello = format!("CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\nSUB {subject} 1\r\nPING\r\n");
    let door = Door {
        address: websocket,
        path: "/".to_owned(),
        greeting: Greeting::Answer { hello, end: "PONG\r\n" },
        // It puts many messages into a frame, and cuts them where it likes.
        counting: Counting::Bytes(on_the_wire.len() as u64),
        extensions: "",
    };
    let publisher = Publisher::nats(plain, "", Language::Nats { subject, message })?;
    Ok(Server { door, publisher, message_bytes, processes: Processes::Alone { process, _place: place } })
}
