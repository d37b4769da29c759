//! `local install`

use anyhow::Result;

use super::say;
use crate::install;
use crate::settings::{Api, Settings};

pub(super) async fn run(api: Api) -> Result<()> {
    let programs = install::ensure(&Settings::from_env()?.root, api).await?;
    say(format!("Redis          {}", programs.redis_server.display()));
    say(format!("NATS           {}", programs.nats_server.display()));
    say(format!("PostgreSQL     {}", programs.postgres_folder.display()));
    if let Some(cargo_lambda) = programs.cargo_lambda {
        say(format!("cargo-lambda   {}", cargo_lambda.display()));
    }
    Ok(())
}
