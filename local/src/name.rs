//! The names of the servers, as they stand in the contract, in `status` and in the folders' names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A server of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    Redis,
    Nats,
    Postgres,
    ArchivalWorker,
    Broadcast,
    Api,
    Localstack,
}

impl Name {
    /// Every server of the system as it is by default.
    pub const ALL: [Self; 6] =
        [Self::Redis, Self::Nats, Self::Postgres, Self::ArchivalWorker, Self::Broadcast, Self::Api];
    /// With SQS in JetStream's place.
    pub const ALL_WITH_SQS: [Self; 7] =
        [Self::Redis, Self::Nats, Self::Postgres, Self::Localstack, Self::ArchivalWorker, Self::Broadcast, Self::Api];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redis => "bidding-redis",
            Self::Nats => "bidding-nats",
            Self::Postgres => "bidding-postgres",
            Self::ArchivalWorker => "bidding-archival-worker",
            Self::Broadcast => "bidding-broadcast",
            Self::Api => "bidding-api",
            Self::Localstack => "bidding-localstack",
        }
    }

    /// Servers of one stage start in parallel; a stage begins when the one before it answers. The worker comes before
    /// the doors are open, because it is the one that loads the scripts and makes the tables.
    pub(crate) fn stage(self) -> u8 {
        match self {
            Self::Redis | Self::Nats | Self::Postgres | Self::Localstack => 0,
            Self::ArchivalWorker => 1,
            Self::Broadcast | Self::Api => 2,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Name {
    type Err = anyhow::Error;

    /// Takes the whole name and the short one: `bidding-redis`, `redis`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let short = text.strip_prefix("bidding-").unwrap_or(text);
        let found = Self::ALL_WITH_SQS.into_iter().find(|name| name.as_str().strip_prefix("bidding-") == Some(short));
        found.ok_or_else(|| {
            let names = Self::ALL_WITH_SQS.map(Self::as_str).join(", ");
            anyhow::anyhow!("there is no server named `{text}`; the names are {names}")
        })
    }
}
