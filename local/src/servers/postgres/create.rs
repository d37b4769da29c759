//! A new database cluster with the user and the database of the contract.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

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
pub(super) async fn create(data: &Path, account: Option<Account>, programs: &Programs, disk: Disk) -> Result<()> {
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
    let mut single_user = command(&programs.postgres_folder.join("postgres"), account);
    single_user.args(["--single", "-D"]).arg(place).arg("postgres");
    run(single_user, ROLE_AND_DATABASE).await?;
    fs::rename(&unfinished, data).with_context(|| format!("cannot create {}", data.display()))
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
