//! A line of JSON for every invocation and every sandbox, in the form of Lambda's own `platform.report` and
//! `platform.initReport` events, with what is only known here beside it: the sandbox, its pid, and how long the event
//! waited.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::invocation::{End, Running};
use super::pool::{Described, Pool};
use super::tell;

/// A file that has grown to this is kept once under the name with `.1`, and a new one begun: some 200,000 invocations.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub(super) struct Reports {
    path: PathBuf,
    file: Mutex<Open>,
    is_failing: AtomicBool,
}

struct Open {
    writer: BufWriter<File>,
    length: u64,
    /// A device or a pipe is never put aside.
    is_file: bool,
}

#[derive(Serialize)]
struct Line<R> {
    time: Option<String>,
    r#type: &'static str,
    record: R,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invoked<'a> {
    request_id: Uuid,
    function: &'a str,
    status: &'static str,
    cold_start: bool,
    sandbox: &'a str,
    pid: u32,
    waited_ms: f64,
    metrics: Metrics,
}

#[derive(Serialize)]
struct Metrics {
    #[serde(rename = "durationMs")]
    duration_ms: f64,
    /// Duration and, for a cold start, initialisation, in whole milliseconds: both are paid for.
    #[serde(rename = "billedDurationMs")]
    billed_ms: u64,
    #[serde(rename = "memorySizeMB")]
    memory_mib: u32,
    #[serde(rename = "maxMemoryUsedMB")]
    peak_memory_mib: u64,
    #[serde(rename = "initDurationMs", skip_serializing_if = "Option::is_none")]
    init_ms: Option<f64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Initialised<'a> {
    function: &'a str,
    sandbox: &'a str,
    pid: u32,
    initialization_type: &'static str,
    duration_ms: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ended<'a> {
    function: &'a str,
    sandbox: &'a str,
    pid: u32,
    /// Whether it was ended, or ended by itself.
    is_crash: bool,
    exit: &'a str,
}

impl Reports {
    pub(super) fn open(path: &Path) -> Result<Self> {
        fs::create_dir_all(path.parent().unwrap_or(path))
            .with_context(|| format!("no folder for {}", path.display()))?;
        let file = Mutex::new(Open::new(path).with_context(|| format!("cannot open {}", path.display()))?);
        Ok(Self { path: path.to_path_buf(), file, is_failing: AtomicBool::new(false) })
    }

    pub(super) fn initialised(&self, pool: &Pool, sandbox: &Described) {
        let initialization_type = if sandbox.is_provisioned { "provisioned-concurrency" } else { "on-demand" };
        let duration_ms = milliseconds(sandbox.init.unwrap_or_default());
        let Described { id, pid, .. } = sandbox;
        let record = Initialised { function: pool.name(), sandbox: id, pid: *pid, initialization_type, duration_ms };
        self.write("platform.initReport", record);
    }

    pub(super) fn invoked(&self, pool: &Pool, id: Uuid, running: &Running, sandbox: &Described, end: &End) {
        let duration = running.began.elapsed();
        let init = sandbox.init.filter(|_| running.is_cold);
        let metrics = Metrics {
            duration_ms: milliseconds(duration),
            billed_ms: milliseconds(duration + init.unwrap_or_default()).ceil() as u64,
            memory_mib: pool.memory_mib(),
            peak_memory_mib: sandbox.peak_memory_kib.div_ceil(1024),
            init_ms: init.map(milliseconds),
        };
        let record = Invoked {
            request_id: id,
            function: pool.name(),
            status: end.status(),
            cold_start: running.is_cold,
            sandbox: &sandbox.id,
            pid: sandbox.pid,
            waited_ms: milliseconds(running.waited),
            metrics,
        };
        self.write("platform.report", record);
        let tell = |what: &dyn std::fmt::Display| tell(format_args!("{}, event {id}: {what}", pool.name()));
        match end {
            End::TimedOut => tell(&format!("timed out after {:.2} seconds", pool.timeout().as_secs_f64())),
            End::Failed(error) => tell(&String::from_utf8_lossy(error)),
            End::Crashed => tell(&"the sandbox ended before it answered"),
            End::Answered(_) | End::Throttled | End::Stopped => {}
        }
    }

    pub(super) fn ended(&self, pool: &Pool, sandbox: &Described, was_asked: bool, exit: Result<ExitStatus>) {
        let words = exit.map_or_else(|error| format!("{error:#}"), |exit| exit.to_string());
        if !was_asked {
            tell(format_args!("{}, sandbox {} (pid {}): {words}", pool.name(), sandbox.id, sandbox.pid));
        }
        let Described { id, pid, .. } = sandbox;
        let record = Ended { function: pool.name(), sandbox: id, pid: *pid, is_crash: !was_asked, exit: &words };
        self.write("sandbox.end", record);
    }

    /// Lines are written in bulk; this writes what there is.
    pub(super) fn flush(&self) {
        self.noted(self.lock().writer.flush());
    }

    fn write<R: Serialize>(&self, kind: &'static str, record: R) {
        let time = OffsetDateTime::now_utc().format(&Rfc3339).ok();
        let Ok(mut line) = serde_json::to_vec(&Line { time, r#type: kind, record }) else { return };
        line.push(b'\n');
        let mut file = self.lock();
        let mut written = file.writer.write_all(&line);
        if written.is_ok() {
            file.length += line.len() as u64;
        }
        if file.length > FILE_BYTES_MAX && file.is_file {
            written = self.begin_anew(&mut file);
        }
        drop(file);
        self.noted(written);
    }

    fn begin_anew(&self, file: &mut Open) -> std::io::Result<()> {
        file.writer.flush()?;
        let mut kept = self.path.clone().into_os_string();
        kept.push(".1");
        // Whatever fails, it is not tried again with every line.
        file.length = 0;
        fs::rename(&self.path, kept)?;
        *file = Open::new(&self.path)?;
        Ok(())
    }

    /// A full disk takes lines away, not answers. Told once, until lines are written again.
    fn noted(&self, written: std::io::Result<()>) {
        let was_failing = self.is_failing.swap(written.is_err(), Ordering::Relaxed);
        if let (Err(error), false) = (written, was_failing) {
            tell(format_args!("cannot write to {}: {error}", self.path.display()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn new(path: &Path) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        let metadata = file.metadata()?;
        let is_file = metadata.is_file() && !path.is_symlink();
        Ok(Self { writer: BufWriter::new(file), length: metadata.len(), is_file })
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1_000.0
}
