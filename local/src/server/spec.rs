//! What has to be known to run a server.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::credentials::Role;
use crate::name::Name;
use crate::ports::Listen;
use crate::probe::Probe;

pub(crate) struct Spec {
    pub(crate) name: Name,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) working_folder: PathBuf,
    /// Somebody else to run it as: PostgreSQL refuses to run as root.
    pub(crate) account: Option<Account>,
    pub(crate) listens: Vec<Listen>,
    pub(crate) probe: Probe,
    pub(crate) start_deadline: Duration,
    /// Ends it in order.
    pub(crate) polite_end: Signal,
    /// Ends it at once; also what the kernel sends it if we die.
    pub(crate) quick_end: Signal,
    pub(crate) log: PathBuf,
    /// For people's eyes: it holds no password.
    pub(crate) url: String,
    /// The URL with which each role logs in; none for a server that asks nobody who he is.
    pub(crate) logins: Vec<(Role, String)>,
    pub(crate) monitor_url: Option<String>,
}

/// A user of the system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) user_id: u32,
    pub(crate) group_id: u32,
}

impl Account {
    /// The words for `setpriv`, which changes user and then becomes the program.
    pub(crate) fn setpriv_arguments(self) -> [String; 3] {
        [format!("--reuid={}", self.user_id), format!("--regid={}", self.group_id), "--clear-groups".to_owned()]
    }
}

impl Spec {
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        // If we die, even by SIGKILL, nothing is left running.
        command.arg(format!("--pdeathsig={}", signal_name(self.quick_end)));
        command.args(self.account.iter().flat_map(|account| account.setpriv_arguments()));
        command.arg("--").arg(&self.program).args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(&self.working_folder).stdin(Stdio::null());
        // A group of its own: the terminal's Ctrl-C is for us, and we stop the servers in order.
        command.process_group(0);
        command
    }
}

fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::QUIT => "QUIT",
        Signal::INT => "INT",
        Signal::TERM => "TERM",
        _ => "KILL",
    }
}
