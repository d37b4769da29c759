//! nginx with nchan, two workers, publishing by HTTP.

use std::process::Command;

use anyhow::Result;
use rustix::process::geteuid;

use super::{Processes, Server, launch, message, place};
use crate::relay_cost::door::Door;
use crate::relay_cost::install::Nchan;
use crate::relay_cost::publisher::Publisher;

const CONFIGURATION: &str = include_str!("../../../peers/nchan.conf");

pub(super) fn start(nchan: &Nchan) -> Result<Server> {
    let place = place()?;
    let address = place.addresses.relay;
    // Another user's workers could not enter the folder.
    let user = if geteuid().is_root() { "user root;" } else { "" };
    let text = CONFIGURATION
        .replace("{{module}}", &nchan.module.display().to_string())
        .replace("{{user}}", user)
        .replace("{{address}}", &address.to_string());
    let configuration = place.folder.join("nginx.conf");
    std::fs::write(&configuration, text)?;
    let mut command = Command::new(&nchan.nginx.path);
    command.arg("-p").arg(&place.folder).arg("-c").arg(&configuration).arg("-e").arg(place.folder.join("errors"));
    nchan.nginx.libraries_for(&mut command);
    let process = launch(&command, &place.folder, &[address])?;
    let message = message()?;
    let message_bytes = message.len();
    let door = Door::plain(address, "/viewers");
    let publisher = Publisher::http(address, "/publish", message)?;
    Ok(Server { door, publisher, message_bytes, processes: Processes::Alone { process, _place: place } })
}
