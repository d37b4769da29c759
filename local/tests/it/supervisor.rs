//! The command `local run` in a project folder of its own, with the servers on free ports.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::Result;
use local::{Credentials, Name, Role, Settings};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::wait::until;

/// A project folder and the addresses for its servers.
pub(crate) struct Project {
    folder: TempDir,
    /// Holds the ports.
    pub(crate) settings: Settings,
    environment: HashMap<&'static str, String>,
}

impl Project {
    pub(crate) fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let settings = Settings::temporary(&[Name::Redis, Name::Nats, Name::Postgres])?;
        // The programs are those of the real project.
        fs::create_dir(folder.path().join(".local"))?;
        for installed in ["bin", "venv"] {
            symlink(settings.root.join(".local").join(installed), folder.path().join(".local").join(installed))?;
        }
        let addresses = &settings.addresses;
        let environment = HashMap::from([
            ("BIDDING_ROOT", folder.path().display().to_string()),
            ("REDIS_ADDR", addresses.redis.to_string()),
            ("NATS_ADDR", addresses.nats.to_string()),
            ("NATS_MONITOR_ADDR", addresses.nats_monitor.to_string()),
            ("POSTGRES_ADDR", addresses.postgres.to_string()),
        ]);
        Ok(Self { folder, settings, environment })
    }

    pub(crate) fn set(&mut self, variable: &'static str, value: String) {
        self.environment.insert(variable, value);
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    /// Those that the servers were started with.
    pub(crate) fn credentials(&self) -> Credentials {
        Credentials::keep(&self.path(".local/data/credentials.env")).expect("the file of the passwords")
    }

    pub(crate) fn redis_url(&self) -> String {
        self.credentials().redis_url(&self.settings.addresses, Role::Operator).expect("a role of Redis")
    }

    pub(crate) fn nats_url(&self) -> String {
        self.credentials().nats_url(&self.settings.addresses, Role::Operator).expect("a role of NATS")
    }

    /// `local` with these words.
    pub(crate) fn local(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
        command.args(words).envs(&self.environment).stdin(Stdio::null()).current_dir(self.folder.path());
        command
    }

    /// Runs `local` to its end: what it printed, or what it complained of.
    pub(crate) async fn ask(&self, words: &[&str]) -> Result<String, String> {
        let mut command = tokio::process::Command::from(self.local(words));
        let Output { status, stdout, stderr } = command.output().await.expect("local starts");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        if status.success() { Ok(text(stdout)) } else { Err(text(stderr)) }
    }

    /// `local run` with these servers; returns when they answer.
    pub(crate) async fn run(&self, only: &str) -> Supervisor {
        let output = self.path("output");
        let file = fs::File::create(&output).expect("a file for the output");
        let errors = file.try_clone().expect("a second handle");
        let mut command = self.local(&["run", "--only", only]);
        let child = command.stdout(file).stderr(errors).process_group(0).spawn().expect("local starts");
        let mut supervisor = Supervisor { child, output };
        let mut running = false;
        until("the system runs", async || {
            running = self.ask(&["status"]).await.is_ok();
            running || supervisor.has_ended()
        })
        .await;
        assert!(running, "{}", supervisor.output());
        supervisor
    }

    /// The processes whose current folder is in this project: the supervisor's, and every server's.
    pub(crate) fn processes(&self) -> Vec<String> {
        let pids = fs::read_dir("/proc").expect("/proc").flatten().filter(|entry| entry.path().join("cwd").is_dir());
        let ours = pids.filter(|entry| {
            let folder = fs::read_link(entry.path().join("cwd"));
            folder.is_ok_and(|folder| folder.starts_with(self.folder.path()))
        });
        let words = ours.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        words.map(|words| String::from_utf8_lossy(&words).replace('\0', " ")).collect()
    }

    pub(crate) async fn pid_of(&self, server: &str) -> Pid {
        let status = self.ask(&["status"]).await.expect("a running system");
        let row = status.lines().find(|row| row.starts_with(server)).unwrap_or_default();
        let pid = row.split_whitespace().find_map(|word| Pid::from_raw(word.parse().ok()?));
        pid.unwrap_or_else(|| panic!("no pid of {server} in {status}"))
    }
}

/// A running `local run`; ended when dropped.
pub(crate) struct Supervisor {
    child: Child,
    output: PathBuf,
}

impl Supervisor {
    /// To its whole process group, as a terminal does it.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process_group(Pid::from_child(&self.child), signal).expect("the supervisor is there");
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours").is_some()
    }

    pub(crate) async fn ends(&mut self) {
        until("the supervisor ends", async || self.has_ended()).await;
    }

    /// What it printed so far.
    pub(crate) fn output(&self) -> String {
        fs::read_to_string(&self.output).expect("the file of the output")
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if !self.has_ended() {
            // In order first, so that the servers have left the folder before it is removed.
            self.signal(Signal::INT);
            let deadline = Instant::now() + Duration::from_secs(20);
            while !self.has_ended() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
