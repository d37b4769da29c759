//! The system of a storm, with what the storm needs to get hold of.

use anyhow::Result;
use local::{Archive, Name, Settings, System};

use super::Arguments;
use crate::storm::Proxy;

/// The system, and the cables between its relay and NATS and Redis.
pub(super) async fn start(arguments: &Arguments) -> Result<(System, Proxy, Proxy)> {
    let mut settings = Settings::temporary(&Name::ALL)?;
    settings.api = arguments.api;
    settings.fsync = arguments.fsync;
    if arguments.archive == Archive::Sqs {
        settings.archive_by_sqs();
    }
    if let Some(every) = arguments.queue_faults {
        settings.environment.push(("QUEUE_FAULTS", every.to_string()));
    }
    wire(settings).await
}

/// Puts the cables in.
pub(crate) async fn wire(mut settings: Settings) -> Result<(System, Proxy, Proxy)> {
    let nats = Proxy::start(settings.addresses.nats).await?;
    let redis = Proxy::start(settings.addresses.redis).await?;
    let mut addresses = settings.addresses.clone();
    (addresses.nats, addresses.redis) = (nats.address(), redis.address());
    settings.addresses_for_relay = Some(addresses);
    Ok((System::start(settings).await?, nats, redis))
}
