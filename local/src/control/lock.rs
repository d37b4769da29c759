//! One supervisor at a time in a project: it holds a file's lock, which the kernel takes back however it ends.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const PATH: &str = ".local/run.lock";
/// A supervisor that has stopped its servers has nothing left to do.
const END_DEADLINE: Duration = Duration::from_secs(10);
/// A command that looks whether the lock is held holds it for an instant itself.
const GLANCE: Duration = Duration::from_millis(100);
const POLL: Duration = Duration::from_millis(10);

pub(crate) struct RunLock {
    _file: File,
}

impl RunLock {
    /// Fails if a supervisor holds it.
    pub(crate) fn take() -> Result<Self> {
        fs::create_dir_all(".local").context("cannot create .local")?;
        let mut file = File::options().create(true).truncate(false).write(true).open(PATH)?;
        let deadline = Instant::now() + GLANCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(POLL),
                Err(TryLockError::WouldBlock) => {
                    bail!("the system is running already ({}): see `local status`, or end it by `local stop`", holder())
                }
                Err(TryLockError::Error(error)) => return Err(error).with_context(|| format!("cannot lock {PATH}")),
            }
        }
        file.set_len(0)?;
        write!(file, "{}", std::process::id())?;
        Ok(Self { _file: file })
    }

    pub(crate) async fn wait_until_free() -> Result<()> {
        let deadline = Instant::now() + END_DEADLINE;
        while is_held()? {
            if Instant::now() > deadline {
                bail!("the supervisor ({}) does not end", holder());
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

/// For a command that found no supervisor to talk to.
pub(super) fn why_no_answer() -> Result<String> {
    Ok(match is_held()? {
        true => format!("the system ({}) is still starting, or just ending", holder()),
        false => "the system is not running: `local run` starts it".to_owned(),
    })
}

fn is_held() -> Result<bool> {
    if !Path::new(PATH).exists() {
        return Ok(false);
    }
    match File::open(PATH)?.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {PATH}")),
    }
}

fn holder() -> String {
    match fs::read_to_string(PATH) {
        Ok(pid) if !pid.is_empty() => format!("pid {pid}"),
        _ => "pid unknown".to_owned(),
    }
}
