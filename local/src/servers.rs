//! The servers of the system, one file for each kind: how it is configured, asked and ended.

mod lambda;
mod localstack;
mod nats;
mod ours;
mod postgres;
mod redis;
mod watch;

use anyhow::Result;

use crate::credentials::Credentials;
use crate::install::Programs;
use crate::name::Name;
use crate::server::Spec;
use crate::settings::{Api, Settings};

pub(crate) use self::postgres::{data_folder as postgres_data_folder, give_back_shared_memory};

/// Makes the server's folder and configuration, so that it can be started.
pub(crate) async fn prepare(
    server: Name,
    settings: &Settings,
    programs: &Programs,
    credentials: &Credentials,
) -> Result<Spec> {
    match server {
        Name::Redis => redis::prepare(settings, programs, credentials),
        Name::Nats => nats::prepare(settings, programs, credentials),
        Name::Postgres => postgres::prepare(settings, programs, credentials).await,
        Name::Localstack => localstack::prepare(settings, programs),
        Name::Api if settings.api == Api::Watch => watch::prepare(settings, programs, credentials),
        Name::Api if settings.api == Api::Lambda => lambda::prepare(settings, credentials),
        Name::ArchivalWorker | Name::Broadcast | Name::Api => ours::prepare(server, settings, credentials),
    }
}
