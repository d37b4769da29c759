//! A new database cluster with the user and the database of the contract.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::roles;
use crate::credentials::Credentials;
use crate::install::Programs;
use crate::server::Account;

/// Whether the files are on the disk when the cluster is ready.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Disk {
    Wait,
    DoNotWait,
}

/// Not a superuser: what needs more rights than an owner of the database has should fail here too.
const ROLE_AND_DATABASE: &str = "CREATE ROLE bidding LOGIN CREATEDB;\nCREATE DATABASE bidding OWNER bidding;\n";

/// Made beside its place and then renamed, so that an interruption leaves no half cluster.
pub(super) async fn create(
    data: &Path,
    account: Option<Account>,
    programs: &Programs,
    credentials: &Credentials,
    disk: Disk,
) -> Result<()> {
    let unfinished = unfinished(data);
    let folder = || {
        let _ = fs::remove_dir_all(&unfinished);
        fs::create_dir_all(&unfinished)?;
        fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o700))?;
        match account {
            Some(account) => chown(&unfinished, Some(account.user_id), Some(account.group_id)),
            None => Ok(()),
        }
    };
    folder().with_context(|| format!("cannot create {}", unfinished.display()))?;
    let place: &OsStr = unfinished.as_os_str();
    let words = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--pgdata"];
    let mut initdb = command(&programs.postgres_folder.join("initdb"), account);
    initdb.args(words).arg(place);
    if disk == Disk::DoNotWait {
        // Smaller segments make the copies small.
        initdb.args(["--no-sync", "--wal-segsize=1"]);
    }
    run(initdb, "").await?;
    as_superuser(&unfinished, account, programs, ROLE_AND_DATABASE).await?;
    roles::renew(&unfinished, account, programs, credentials).await?;
    fs::rename(&unfinished, data).with_context(|| format!("cannot create {}", data.display()))
}

/// Statements, one a line, while no server runs.
pub(super) async fn as_superuser(
    data: &Path,
    account: Option<Account>,
    programs: &Programs,
    statements: &str,
) -> Result<()> {
    let mut single_user = command(&programs.postgres_folder.join("postgres"), account);
    // A statement that fails is not repeated in what is said about it: it may hold a password.
    single_user.args(["--single", "-c", "log_min_error_statement=panic", "-D"]).arg(data).arg("postgres");
    run(single_user, statements).await
}

fn unfinished(data: &Path) -> PathBuf {
    data.with_extension("unfinished")
}

fn command(program: &Path, account: Option<Account>) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig=keep").args(account.iter().flat_map(|account| account.setpriv_arguments()));
    command.arg("--").arg(program).current_dir("/").kill_on_drop(true).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn run(mut command: Command, input: &str) -> Result<()> {
    let program = format!("{:?}", command.as_std());
    let mut child = command.spawn().with_context(|| format!("cannot start {program}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input tells why by its exit status.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = child.wait_with_output().await?;
    let words = [output.stdout, output.stderr].concat();
    let words = String::from_utf8_lossy(&words);
    // In single-user mode a failed statement does not make a failed exit.
    if !output.status.success() || words.contains("ERROR:") {
        bail!("{program}: {}\n{words}", output.status);
    }
    Ok(())
}
