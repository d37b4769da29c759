//! A password for each role in each server: drawn once for a data folder, kept in a file for its owner alone.
//!
//! The roles and what each may do stand in `infra/redis/users.conf`, `infra/nats/users.conf` and
//! `infra/postgres/roles.sql`; they take the passwords by the names of the variables that are used here.

mod file;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::config::Addresses;
use crate::name::Name;

/// Who logs in to Redis, NATS and PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A person, or a test: everything. In PostgreSQL it is the owner of the tables, `bidding`, without a password.
    Operator,
    Functions,
    Relay,
    Worker,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Operator, Self::Functions, Self::Relay, Self::Worker];

    /// The name of the user.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Functions => "functions",
            Self::Relay => "relay",
            Self::Worker => "worker",
        }
    }
}

/// The passwords, by the name of their variable.
#[derive(Clone)]
pub struct Credentials {
    values: BTreeMap<String, String>,
}

/// PostgreSQL's owner needs none on one machine, and the relay has no business there.
const PASSWORDS: [(Name, Role, &str); 10] = [
    (Name::Redis, Role::Operator, "REDIS_OPERATOR_PASSWORD"),
    (Name::Redis, Role::Functions, "REDIS_FUNCTIONS_PASSWORD"),
    (Name::Redis, Role::Relay, "REDIS_RELAY_PASSWORD"),
    (Name::Redis, Role::Worker, "REDIS_WORKER_PASSWORD"),
    (Name::Nats, Role::Operator, "NATS_OPERATOR_PASSWORD"),
    (Name::Nats, Role::Functions, "NATS_FUNCTIONS_PASSWORD"),
    (Name::Nats, Role::Relay, "NATS_RELAY_PASSWORD"),
    (Name::Nats, Role::Worker, "NATS_WORKER_PASSWORD"),
    (Name::Postgres, Role::Functions, "POSTGRES_FUNCTIONS_PASSWORD"),
    (Name::Postgres, Role::Worker, "POSTGRES_WORKER_PASSWORD"),
];
/// Not a password: tells whether a database was made with these or with others.
const ID: &str = "CREDENTIALS_ID";

impl Credentials {
    /// Those in the file; what it lacks is drawn and added.
    pub fn keep(file: &Path) -> Result<Self> {
        file::keep(file, &PASSWORDS.map(|(.., name)| name))
            .with_context(|| format!("the passwords in {}", file.display()))
    }

    pub fn redis_url(&self, addresses: &Addresses, role: Role) -> Result<String> {
        self.login(Name::Redis, role, &addresses.redis_url())
    }

    pub fn nats_url(&self, addresses: &Addresses, role: Role) -> Result<String> {
        self.login(Name::Nats, role, &addresses.nats_url())
    }

    pub fn postgres_url(&self, addresses: &Addresses, role: Role) -> Result<String> {
        match role {
            Role::Operator => Ok(addresses.postgres_url()),
            _ => self.login(Name::Postgres, role, &addresses.postgres_url().replace("bidding@", "")),
        }
    }

    /// The passwords that a server knows, by the names under which its configuration asks for them.
    pub(crate) fn of_server(&self, server: Name) -> Vec<(&'static str, String)> {
        let of_server = PASSWORDS.iter().filter(|(known, ..)| *known == server);
        of_server.filter_map(|(.., name)| Some((*name, self.values.get(*name)?.clone()))).collect()
    }

    pub(crate) fn id(&self) -> &str {
        self.values.get(ID).map_or("", String::as_str)
    }

    pub(crate) fn password(&self, server: Name, role: Role) -> Result<&str> {
        let known = PASSWORDS.iter().find(|(known, of, _)| (*known, *of) == (server, role));
        let password = known.and_then(|(.., name)| self.values.get(*name));
        password.map(String::as_str).with_context(|| format!("{server} does not know the role {}", role.as_str()))
    }

    fn login(&self, server: Name, role: Role, url: &str) -> Result<String> {
        let password = self.password(server, role)?;
        let (scheme, rest) = url.split_once("://").context("a URL has a scheme")?;
        Ok(format!("{scheme}://{}:{password}@{rest}", role.as_str()))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(…)")
    }
}
