//! The roles below the owner, and their passwords.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::create;
use crate::credentials::Credentials;
use crate::install::Programs;
use crate::name::Name;
use crate::server::Account;

/// A role, the group that a migration gives its rights to, and its password. `infra/postgres/roles.sql` is the same for
/// `psql`.
const ROLES: [(&str, &str, &str); 2] = [
    ("functions", "bidding_reader", "POSTGRES_FUNCTIONS_PASSWORD"),
    ("worker", "bidding_worker", "POSTGRES_WORKER_PASSWORD"),
];
/// Names the passwords that the cluster knows.
const MARK: &str = "bidding.credentials";

/// Gives a cluster, while no server runs on it, the roles with these passwords, unless it has them.
pub(super) async fn renew(
    data: &Path,
    account: Option<Account>,
    programs: &Programs,
    credentials: &Credentials,
) -> Result<()> {
    let mark = data.join(MARK);
    if fs::read_to_string(&mark).is_ok_and(|known| known == credentials.id()) {
        return Ok(());
    }
    let passwords = credentials.of_server(Name::Postgres);
    let mut statements = String::new();
    for (role, group, variable) in ROLES {
        let (_, password) = passwords.iter().find(|(name, _)| *name == variable).context(variable)?;
        statements += &format!(
            "DO $$ BEGIN CREATE ROLE {group}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;\n\
             DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;\n\
             ALTER ROLE {role} PASSWORD '{password}';\nGRANT {group} TO {role};\n"
        );
    }
    create::as_superuser(data, account, programs, &statements).await.context("the roles of PostgreSQL")?;
    fs::write(&mark, credentials.id()).with_context(|| format!("cannot write {}", mark.display()))
}
