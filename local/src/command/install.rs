//! `local install`

use anyhow::Result;

use super::say;
use crate::install::{self, Extras};
use crate::settings::Settings;

pub(super) async fn run(extras: Extras) -> Result<()> {
    let programs = install::ensure(&Settings::from_env()?.root, extras).await?;
    say(format!("Redis          {}", programs.redis_server.display()));
    say(format!("NATS           {}", programs.nats_server.display()));
    say(format!("PostgreSQL     {}", programs.postgres_folder.display()));
    if let Some(cargo_lambda) = programs.cargo_lambda {
        say(format!("cargo-lambda   {}", cargo_lambda.display()));
    }
    if let Some(python) = programs.localstack_python {
        say(format!("LocalStack     {}", python.display()));
    }
    Ok(())
}
