//! Ours: the relay between NATS and its viewers, with Redis behind it.

use anyhow::Result;
use auction::ItemId;
use ledger::Ledger;
use local::{Name, Role, Settings, System};

use super::{ITEM, Processes, Server, message};
use crate::relay_cost::door::{Door, Greeting};
use crate::relay_cost::frames::Counting;
use crate::relay_cost::publisher::{Bids, Language, Publisher};

/// What a browser asks for, without its parameter for what the server may not know of it.
const COMPRESSED: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

/// `is_compressed`: all viewers ask for it, and the relay agrees.
pub(super) async fn start(is_compressed: bool) -> Result<Server> {
    let mut settings = Settings::temporary(&[Name::Redis, Name::Nats, Name::Broadcast])?;
    // No other server tells its viewers how many they are, and only messages are counted.
    settings.environment.push(("RELAY_SUBSCRIBERS_S", "0".to_owned()));
    let compression = if is_compressed { "on" } else { "off" };
    settings.environment.push(("RELAY_COMPRESSION", compression.to_owned()));
    let system = System::start(settings).await?;
    let ledger = Ledger::new(&system.redis_url())?;
    // It is empty, so there is nothing that a worker would have to look through first.
    ledger.open(1).await?;
    let addresses = system.addresses();
    let door = Door {
        address: addresses.relay,
        path: format!("/ws/items/{ITEM}"),
        greeting: Greeting::Message,
        counting: Counting::Frames,
        extensions: if is_compressed { COMPRESSED } else { "" },
    };
    let password = system.server("bidding-nats").password_of(Role::Functions);
    let login = format!(r#""user":"{}","pass":"{password}""#, Role::Functions.as_str());
    let bids = Bids::new(ledger, ItemId::parse(ITEM)?)?;
    let publisher = Publisher::nats(addresses.nats, &login, Language::Bids(bids))?;
    Ok(Server { door, publisher, message_bytes: message()?.len(), processes: Processes::Ours(Box::new(system)) })
}
