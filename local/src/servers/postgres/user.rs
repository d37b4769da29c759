//! PostgreSQL refuses to run as root; then it runs as the user `postgres`, in a folder which that user can reach.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::process::geteuid;

use crate::name::Name;
use crate::server::Account;
use crate::settings::Settings;

/// The user that the system's PostgreSQL package makes; nobody else when we are not root.
pub(super) fn account() -> Result<Option<Account>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
    let account = users.lines().find_map(|line| {
        // name:password:user id:group id:...
        let fields: Vec<&str> = line.split(':').collect();
        let is_it = *fields.first()? == "postgres";
        let account = Account { user_id: fields.get(2)?.parse().ok()?, group_id: fields.get(3)?.parse().ok()? };
        is_it.then_some(account)
    });
    account.map(Some).context("PostgreSQL does not run as root, and there is no user `postgres` to run it as")
}

/// The server's data: beside the others', or, when the user `postgres` cannot get there, below `/var/lib`.
pub(crate) fn data_folder(settings: &Settings) -> PathBuf {
    let beside = settings.data_folder(Name::Postgres);
    match !geteuid().is_root() || is_open_to_everybody(&settings.folder) {
        true => beside,
        false => Path::new("/var/lib/bidding-local").join(hash(&settings.folder)).join(Name::Postgres.as_str()),
    }
}

/// Whether everybody may pass through the folder and all above it. What does not exist yet will be made so.
fn is_open_to_everybody(folder: &Path) -> bool {
    const PASS_FOR_OTHERS: u32 = 0o001;
    let mode = |folder: &Path| fs::metadata(folder).map(|found| found.permissions().mode());
    folder.ancestors().all(|folder| mode(folder).map_or(true, |mode| mode & PASS_FOR_OTHERS != 0))
}

/// FNV-1a: a name for the folder that stays the same with every build of this program.
fn hash(folder: &Path) -> String {
    let bytes = folder.as_os_str().as_encoded_bytes();
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
