//! The servers of the system, one file for each kind: how it is configured, asked and ended.

mod lambda;
mod nats;
mod ours;
mod postgres;
mod redis;
mod watch;

use anyhow::Result;

use crate::install::Programs;
use crate::name::Name;
use crate::server::Spec;
use crate::settings::{Api, Settings};

pub(crate) use self::postgres::{data_folder as postgres_data_folder, give_back_shared_memory};

/// Makes the server's folder and configuration, so that it can be started.
pub(crate) async fn prepare(server: Name, settings: &Settings, programs: &Programs) -> Result<Spec> {
    match server {
        Name::Redis => redis::prepare(settings, programs),
        Name::Nats => nats::prepare(settings, programs),
        Name::Postgres => postgres::prepare(settings, programs).await,
        Name::Api if settings.api == Api::Watch => watch::prepare(settings, programs),
        Name::Api if settings.api == Api::Lambda => lambda::prepare(settings),
        Name::ArchivalWorker | Name::Broadcast | Name::Api => ours::prepare(server, settings),
    }
}
