//! Ours: the relay between NATS and its viewers, with Redis behind it.

use anyhow::Result;
use auction::ItemId;
use ledger::Ledger;
use local::{Name, Role, Settings, System};

use super::{ITEM, Processes, Server, message};
use crate::relay_cost::door::{Door, Greeting};
use crate::relay_cost::frames::Counting;
use crate::relay_cost::publisher::{Bids, Language, Publisher};

pub(super) async fn start() -> Result<Server> {
    let mut settings = Settings::temporary(&[Name::Redis, Name::Nats, Name::Broadcast])?;
    // No other server tells its viewers how many they are, and only messages are counted.
    settings.environment.push(("RELAY_SUBSCRIBERS_S", "0".to_owned()));
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
    };
    let password = system.server("bidding-nats").password_of(Role::Functions);
    let login = format!(r#""user":"{}","pass":"{password}""#, Role::Functions.as_str());
    let bids = Bids::new(ledger, ItemId::parse(ITEM)?)?;
    let publisher = Publisher::nats(addresses.nats, &login, Language::Bids(bids))?;
    Ok(Server { door, publisher, message_bytes: message()?.len(), processes: Processes::Ours(Box::new(system)) })
}
