//! Libraries: a few lines of the peer's own language each, in `loadtest/peers/`. Who comes to `/publish` publishes.

use std::process::Command;

use anyhow::Result;

use super::{Processes, Server, launch, message, place};
use crate::relay_cost::door::Door;
use crate::relay_cost::install::Script;
use crate::relay_cost::publisher::Publisher;

pub(super) fn start(script: &Script) -> Result<Server> {
    let place = place()?;
    let address = place.addresses.relay;
    let mut command = Command::new(&script.interpreter.path);
    command.arg(&script.file).args([address.ip().to_string(), address.port().to_string()]);
    script.interpreter.libraries_for(&mut command);
    let process = launch(&command, &place.folder, &[address])?;
    let message = message()?;
    let message_bytes = message.len();
    let door = Door::plain(address, "/viewers");
    let publisher = Publisher::websocket(address, "/publish", message)?;
    Ok(Server { door, publisher, message_bytes, processes: Processes::Alone { process, _place: place } })
}
